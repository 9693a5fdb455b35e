import type { overview as english } from "../en/overview";
import type { Translation } from "../types";

export const overview: Translation<typeof english> = {
  overview_title: "Überblick",
};
