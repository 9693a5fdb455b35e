import { expect, it } from "vitest";
import { rangeOf, rangeParameters } from "./range";

const now = new Date("2026-11-22T15:03:20Z");

it("begins named ranges on whole steps, so that buckets are whole", () => {
  expect(rangeOf({}, now)).toEqual({ name: "24h", from: "2026-11-21T15:00:00.000Z", to: undefined });
  expect(rangeOf({ range: "7d" }, now).from).toBe("2026-11-15T15:00:00.000Z");
});

it("takes two times as a custom range", () => {
  const from = "2026-11-01T00:00:00.000Z";
  const to = "2026-11-02T00:00:00.000Z";
  expect(rangeOf({ from, to, range: "7d" }, now)).toEqual({ name: undefined, from, to });
});

it("falls back where the address makes no sense", () => {
  expect(rangeOf({ range: "forever", from: "soon" }, now).name).toBe("24h");
});

it("names the range in the address and removes the other form", () => {
  expect(rangeParameters(rangeOf({ range: "1h" }, now))).toEqual({
    range: "1h",
    from: undefined,
    to: undefined,
  });
});
