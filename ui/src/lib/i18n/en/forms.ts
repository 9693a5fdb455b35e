/** Words of the form parts and of text that models wrote. */
export const forms = {
  form_show_secret: "Show what is typed",
  form_copy_code: "Copy code",
  form_copy_failed: "Could not copy",
  form_wrap_lines: "Wrap long lines",
  form_filter: "Filter",
  form_nothing_matches: "Nothing matches",
  form_select_all: { one: "Select all ({count})", other: "Select all ({count})" },
  form_select_all_matching: { one: "Select the one that matches", other: "Select all {count} that match" },
  form_selected: { one: "{count} selected", other: "{count} selected" },
  form_more_rows: {
    one: "and {count} more: type to narrow the list",
    other: "and {count} more: type to narrow the list",
  },
  form_image_not_loaded: "Image, not loaded: {name}",
  link_title: "Leave MegaRouter?",
  link_words: "This link was written by a model. It leads to {host}.",
  link_not_secure: "Only addresses that begin with https: can be opened from here. Copy it if you trust it.",
  link_open: "Open {host}",
  link_copy: "Copy address",
  link_refused: "The system browser was not opened. Copy the address instead.",
} as const;
