import type { Catalogue } from "../types";
import { common } from "./common";
import { frame } from "./frame";
import { overview } from "./overview";
import { requests } from "./requests";

/** German. */
export const de: Catalogue = {
  ...common,
  ...frame,
  ...overview,
  ...requests,
};
