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
import { policies } from "./policies";
import { providers } from "./providers";
import { replay } from "./replay";
import { requests } from "./requests";
import { route } from "./route";
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
  ...policies,
  ...replay,
  ...route,
  ...keys,
  ...models,
  ...forms,
  ...first_run,
} as const;
