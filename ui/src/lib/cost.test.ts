import { expect, it } from "vitest";
import { costHint, costOf, costText } from "./cost";

it("never shows an unknown cost as zero", () => {
  const unknown = { state: "unknown", amount: "0" } as const;
  expect(costText(unknown)).toBe("Unknown");
  expect(costHint(unknown)).toContain("not zero");
});

it("says what kind of amount it is", () => {
  expect(costText({ state: "exact", amount: "3100000" })).toBe("$0.0031");
  expect(costText({ state: "estimated", amount: "3100000" })).toBe("≈ $0.0031");
  expect(costText({ state: "unknown", amount: "3100000" })).toBe("≥ $0.0031");
  expect(costText({ state: "not_billable", amount: "0" })).toBe("Not billed");
});

it("takes a sum with unpriced requests for a lower bound", () => {
  const cost = { state: "exact", amount: "2000000000" } as const;
  expect(costText(costOf({ cost, unknown_cost_requests: 0 }))).toBe("$2.00");
  expect(costText(costOf({ cost, unknown_cost_requests: 7 }))).toBe("≥ $2.00");
});
