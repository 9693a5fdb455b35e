import { expect, it } from "vitest";
import { costHint, costText } from "./cost";

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
