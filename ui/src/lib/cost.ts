/** How a cost is shown: its state always, and unknown never as zero. */
import type { Cost, Figures } from "./api";
import { exactMoney, money } from "./format";
import { m } from "./i18n";

/** The cost for a table cell or a headline. */
export function costText(cost: Cost): string {
  switch (cost.state) {
    case "exact":
      return money(cost.amount);
    case "estimated":
      return m.cost_estimated({ amount: money(cost.amount) });
    case "unknown":
      return cost.amount === "0" ? m.cost_unknown() : m.cost_at_least({ amount: money(cost.amount) });
    case "not_billable":
      return m.cost_not_billable();
  }
}

/** The same with every digit and what the state means, for a tooltip. */
export function costHint(cost: Cost): string {
  const amount = exactMoney(cost.amount);
  switch (cost.state) {
    case "exact":
      return m.cost_exact_hint({ amount });
    case "estimated":
      return m.cost_estimated_hint({ amount });
    case "unknown":
      return cost.amount === "0" ? m.cost_unknown_hint() : m.cost_at_least_hint({ amount });
    case "not_billable":
      return m.cost_not_billable_hint();
  }
}

/** The cost of many requests: a lower bound as soon as one of them has no known price. */
export function costOf(figures: Pick<Figures, "cost" | "unknown_cost_requests">): Cost {
  return figures.unknown_cost_requests > 0 ? { ...figures.cost, state: "unknown" } : figures.cost;
}
