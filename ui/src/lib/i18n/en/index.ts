import { common } from "./common";
import { frame } from "./frame";
import { overview } from "./overview";
import { requests } from "./requests";

/** English, the source of every message: one file per screen, one line here. */
export const en = {
  ...common,
  ...frame,
  ...overview,
  ...requests,
} as const;
