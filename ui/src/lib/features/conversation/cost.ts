import type { Cost } from "$lib/api";
import { addMoney } from "$lib/format";
import type { Answer } from "./conversation.svelte";

/**
 * What a conversation cost so far; null before the first figure. The sum is only as certain as its
 * least certain part: one unknown cost makes it unknown.
 */
export function conversationCost(answers: readonly Pick<Answer, "record">[]): Cost | null {
  const costs = answers.flatMap(({ record }) => (record === null ? [] : [record.cost]));
  if (costs.length === 0) return null;
  const states = new Set(costs.map((cost) => cost.state));
  const state = (["unknown", "estimated", "exact", "not_billable"] as const).find((one) => states.has(one));
  return { state: state ?? "unknown", amount: addMoney(costs.map((cost) => cost.amount)) };
}
