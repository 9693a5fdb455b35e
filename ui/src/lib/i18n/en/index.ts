import { budgets } from "./budgets";
import { common } from "./common";
import { errors } from "./errors";
import { first_run } from "./first_run";
import { forms } from "./forms";
import { frame } from "./frame";
import { keys } from "./keys";
import { models } from "./models";
import { organization } from "./organization";
import { overview } from "./overview";
import { playground } from "./playground";
import { providers } from "./providers";
import { requests } from "./requests";
import { settings } from "./settings";

/** English, the source of every message: one file per screen, one line here. */
export const en = {
  ...common,
  ...errors,
  ...frame,
  ...overview,
  ...requests,
  ...organization,
  ...budgets,
  ...settings,
  ...providers,
  ...playground,
  ...keys,
  ...models,
  ...forms,
  ...first_run,
} as const;
