import type { requests as english } from "../en/requests";
import type { Translation } from "../types";

export const requests: Translation<typeof english> = {
  requests_title: "Anfragen",
};
