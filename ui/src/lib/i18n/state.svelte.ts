import { en } from "./en";
import type { Catalogue } from "./types";

/** The language in use; reactive, so that templates follow a change. */
export const catalogueState: { language: "en" | "de" | "en-XA"; catalogue: Catalogue } = $state({
  language: "en",
  catalogue: en,
});
