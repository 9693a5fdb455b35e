/** The filters of the Requests screen as they stand in the address. */
import type { Outcome } from "$lib/api";
import type { Range } from "$lib/range";
import type { Filters } from "./pages.svelte";

export const outcomes: readonly Outcome[] = ["completed", "failed", "refused", "client_left", "truncated"];

/** The parameters that filter, besides the range. */
export const filterNames = [
  "q",
  "outcome",
  "model",
  "provider",
  "key_id",
  "unit",
  "budget",
  "tag",
  "session",
] as const;

function isOutcome(text: string | undefined): text is Outcome {
  return outcomes.includes(text as Outcome);
}

/** The filters an address names. */
export function filtersOf(parameters: Readonly<Record<string, string>>, range: Range): Filters {
  return {
    from: range.from,
    to: range.to,
    q: parameters.q,
    outcome: isOutcome(parameters.outcome) ? parameters.outcome : undefined,
    model: parameters.model,
    provider: parameters.provider,
    key_id: parameters.key_id,
    unit: parameters.unit,
    budget: parameters.budget,
    tag: parameters.tag,
    session: parameters.session,
  };
}

/** Whether anything but the range narrows the list. */
export function hasFilters(parameters: Readonly<Record<string, string>>): boolean {
  return filterNames.some((name) => parameters[name]);
}
