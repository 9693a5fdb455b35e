/** Words that several screens share. */
export const common = {
  common_cancel: "Cancel",
  common_close: "Close",
  common_copied: "Copied",
  common_copy: "Copy",
  common_delete: "Delete",
  common_details: "Details",
  common_edit: "Edit",
  common_loading: "Loading",
  common_retry: "Try again",
  common_save: "Save",
  common_search: "Search",
  common_undo: "Undo",
  common_unknown: "Unknown",
  common_as_of: "as of {time}",
  common_stale: "This could not be refreshed. It shows what was known at {time}.",
  common_error_title: "This part could not be loaded",
  common_error_unreachable:
    "MegaRouter did not answer. Nothing here can be refreshed until it does. Check that it is still running, then try again.",
  common_error_fault:
    "Something in this window failed. Try again; if it fails again, copy the details and report them.",
  common_rows: { one: "{count} row", other: "{count} rows" },
  common_requests: { one: "{count} request", other: "{count} requests" },
  common_tokens: { one: "{count} token", other: "{count} tokens" },
  common_errors: { one: "{count} error", other: "{count} errors" },
  cost_unknown: "Unknown",
  cost_unknown_hint: "No price is known for this model, so the cost is unknown. It is not zero.",
  cost_at_least: "≥ {amount}",
  cost_at_least_hint: "At least {amount}: some requests have no known price, so the true cost is higher.",
  cost_estimated: "≈ {amount}",
  cost_estimated_hint:
    "About {amount}: the provider did not report the usage of every request, so it is estimated.",
  cost_exact_hint: "Exactly {amount}",
  cost_not_billable: "Not billed",
  cost_not_billable_hint:
    "Nothing is charged for this, for example because the request was refused or the model is free.",
} as const;
