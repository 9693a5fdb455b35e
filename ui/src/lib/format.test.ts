import { describe, expect, it } from "vitest";
import {
  addMoney,
  catalogueDate,
  change,
  compactCount,
  compareMoney,
  count,
  duration,
  exactMoney,
  moment,
  money,
  moneyInput,
  moneyTick,
  parseCount,
  parseMoney,
  percent,
  priceOf,
  rate,
  roundMoney,
  roundTokens,
  setFormatLocale,
  size,
} from "./format";

setFormatLocale("en-US");

describe("money", () => {
  it.each([
    ["0", "$0.00"],
    ["1204500000000", "$1,204.50"],
    ["3100000", "$0.0031"],
    ["100000000", "$0.10"],
    ["99999999", "$0.10"],
    ["12345678", "$0.012"],
    ["1", "$0.000000001"],
    ["1840000000000000", "$1.84 M"],
    ["-3100000", "-$0.0031"],
  ])("shows %s nano-USD as %s", (nanos, shown) => {
    expect(money(nanos)).toBe(shown);
  });

  it("keeps every digit beyond what a float can hold", () => {
    expect(exactMoney("9007199254740993001")).toBe("$9,007,199,254.740993001");
  });

  it("shows no digits in exact amounts that are not there", () => {
    expect(exactMoney("3100000")).toBe("$0.0031");
    expect(exactMoney("2000000000")).toBe("$2.00");
  });

  it("adds and compares without floats", () => {
    expect(addMoney(["9007199254740993", "1", "-2"])).toBe("9007199254740992");
    expect(compareMoney("9007199254740993", "9007199254740992")).toBe(1);
    expect(compareMoney("5", "5")).toBe(0);
  });

  it("shows a rate as it was entered", () => {
    expect(rate("0.15")).toBe("$0.15");
    expect(rate("10")).toBe("$10.00");
    expect(rate("0.0375")).toBe("$0.0375");
  });
});

describe("counts", () => {
  it("groups small ones and shortens large ones", () => {
    expect(count(12345)).toBe("12,345");
    expect(compactCount(99_999)).toBe("99,999");
    expect(compactCount(1_840_000)).toBe("1.84M");
  });

  it("compares with nothing honestly", () => {
    expect(change(5, 0)).toBeNull();
    expect(change(112, 100)).toBe("+12%");
  });

  it("keeps a digit of small shares", () => {
    expect(percent(0.42)).toBe("42%");
    expect(percent(0.004)).toBe("0.4%");
  });
});

describe("time", () => {
  it.each([
    [0, "0 s"],
    [840, "840 µs"],
    [1_200, "1.2 ms"],
    [12_400, "12 ms"],
    [1_240_000, "1.24 s"],
    [123_000_000, "2 min 3 s"],
  ])("shows %i µs as %s", (microseconds, shown) => {
    expect(duration(microseconds)).toBe(shown);
  });

  it("is relative under a day and exact beyond", () => {
    const now = new Date("2026-11-22T15:00:00Z");
    expect(moment("2026-11-22T14:57:00Z", now)).toBe("3 min. ago");
    expect(moment("2026-11-22T17:00:30Z", now)).toBe("in 2 hr.");
    expect(moment("2026-11-20T15:00:00Z", now)).toContain("Nov 20");
  });
});

it("shows sizes in three digits", () => {
  expect(size(0)).toBe("0 B");
  expect(size(3_210_000)).toBe("3.21 MB");
});

it("writes an axis with as many decimals as its steps have", () => {
  expect([0, 0.05, 0.1, 0.3].map(moneyTick)).toEqual(["$0.00", "$0.05", "$0.10", "$0.30"]);
  expect([0, 0.002, 0.004].map(moneyTick)).toEqual(["$0.00", "$0.002", "$0.004"]);
});

it("shows sizes in tokens for a glance, the same way in every language", () => {
  expect([512, 8_192, 65_536, 131_072, 999_999, 1_048_576].map(roundTokens)).toEqual([
    "512",
    "8.2K",
    "66K",
    "131K",
    "1M",
    "1.05M",
  ]);
});

it("prices any number of units without losing a digit", () => {
  expect([priceOf("40000", 1), priceOf("0.1", 60_000), priceOf("0.000001", 1)]).toEqual([
    "$0.04",
    "$0.006",
    "$0.00",
  ]);
});

it("dates a figure as exactly as its source", () => {
  expect(["2026", "2026-08", "2026-08-05", "soon"].map(catalogueDate)).toEqual([
    "2026",
    "Aug 2026",
    "Aug 5, 2026",
    "soon",
  ]);
});

describe("typed amounts", () => {
  it.each([
    ["14000", "14000000000000"],
    ["14,000", "14000000000000"],
    ["$14,000.50", "14000500000000"],
    ["14.000,50", "14000500000000"],
    ["1'000'000", "1000000000000000"],
    ["14k", "14000000000000"],
    ["1.5 M", "1500000000000000"],
    ["0.0031", "3100000"],
    ["12 USD", "12000000000"],
    ["0.000000001", "1"],
  ])("reads %j as nano-USD", (text, nanos) => {
    expect(parseMoney(text)).toBe(nanos);
  });

  it.each(["", "a lot", "1.2.3,4,5x", "-5", "0.0000000001", "99999999999"])(
    "takes %j for no amount",
    (text) => {
      expect(parseMoney(text)).toBeNull();
    },
  );

  it("takes one point or comma for what it is in the language", () => {
    setFormatLocale("de-DE");
    expect(parseMoney("14.000")).toBe("14000000000000");
    expect(parseMoney("0,5")).toBe("500000000");
    expect(moneyInput("14000500000000")).toBe("14.000,5");
    setFormatLocale("en-US");
    expect(parseMoney("14.000")).toBe("14000000000");
  });

  it("writes an amount so that it is read back", () => {
    for (const nanos of ["14000000000000", "1", "500000000", "9223372036854775807"]) {
      expect(parseMoney(moneyInput(nanos))).toBe(nanos);
    }
  });

  it("reads whole numbers only", () => {
    expect(parseCount("5,000,000")).toBe("5000000");
    expect(parseCount("5M")).toBe("5000000");
    expect(parseCount("2.5k")).toBe("2500");
    expect(parseCount("2.5")).toBeNull();
  });

  it("shows round limits without cents", () => {
    expect(roundMoney("14000000000000")).toBe("$14,000");
    expect(roundMoney("14000500000000")).toBe("$14,000.50");
  });
});
