/** The requests screen. */
export const requests = {
  requests_title: "Requests",
} as const;
