/** The overview screen. */
export const overview = {
  overview_title: "Overview",
} as const;
