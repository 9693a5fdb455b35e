/** Which budgets need somebody, the most urgent first. */
import type { Budget } from "$lib/api";
import { byUrgency } from "./words";

/** Whether a budget is used up, warned or going to run out. */
export function isInTrouble({ state }: Pick<Budget, "state">): boolean {
  return state !== null && state.level !== "on_track";
}

/** The budgets in trouble in the order of how soon they run out. */
export function inTrouble(budgets: readonly Budget[]): Budget[] {
  return budgets.filter(isInTrouble).sort(byUrgency);
}
