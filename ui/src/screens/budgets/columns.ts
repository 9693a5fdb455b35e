import type { Budget } from "$lib/api";
import { isInTrouble } from "$lib/features/budget/trouble";
import {
  amountText,
  figureText,
  outlookOf,
  periodText,
  scopeKindText,
  scopeText,
  titleOf,
} from "$lib/features/budget/words";
import { count, percent } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";

/** How far beyond its limit a bar runs in the list. */
export const barReach = 1.25;

/** The columns of the list, most needed first to stay where the window is narrow. */
export function budgetColumns(): readonly Column<Budget>[] {
  // biome-ignore format: one line per column
  return [
    { id: "name", title: m.budgets_column_name(), width: 150, grows: true, text: titleOf },
    { id: "course", title: m.budgets_column_course(), hint: m.budgets_scale_note({ most: percent(barReach) }), width: 120, grows: true, priority: 1, text: () => "" },
    { id: "used", title: m.budgets_column_used(), width: 104, isNumeric: true, priority: 3, text: ({ measure, state }) => (state === null ? "–" : figureText(measure, state.used)) },
    { id: "limit", title: m.budgets_column_limit(), width: 118, isNumeric: true, priority: 2, text: ({ measure, limit, state }) => amountText(measure, state?.limit ?? limit) },
    { id: "period", title: m.budgets_column_period(), width: 104, priority: 5, text: ({ measure, period }) => (measure === "concurrent" ? "" : periodText(period)) },
    { id: "outlook", title: m.budgets_column_outlook(), width: 240, grows: true, text: (budget) => outlookOf(budget).text },
    { id: "refused", title: m.budgets_column_refused(), hint: m.budgets_column_refused_hint(), width: 76, isNumeric: true, priority: 6, text: ({ state }) => (state === null ? "" : count(state.refused)) },
  ];
}

export const scopes = ["active", "trouble", "hard", "archived", "all"] as const;
/** Which budgets the list shows. */
export type Shown = (typeof scopes)[number];

const tests: Record<Shown, (budget: Budget) => boolean> = {
  active: (budget) => budget.archived_at === null,
  trouble: (budget) => budget.archived_at === null && isInTrouble(budget),
  hard: (budget) => budget.archived_at === null && budget.is_hard,
  archived: (budget) => budget.archived_at !== null,
  all: () => true,
};

/** The budgets of a choice whose name or scope contains every word. */
export function shownBudgets(budgets: readonly Budget[], shown: Shown, query: string): Budget[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return budgets.filter((budget) => {
    const text = `${budget.name} ${scopeText(budget.scope)} ${scopeKindText(budget.scope)}`.toLowerCase();
    return tests[shown](budget) && words.every((word) => text.includes(word));
  });
}
