import { beforeAll, expect, it } from "vitest";
import type { Budget } from "$lib/api";
import { setFormatLocale } from "$lib/format";
import { setLanguage } from "$lib/i18n";
import { plainSentence } from "$lib/ui/sentence";
import { BudgetDraft, parsePercents, periodOf } from "./draft.svelte";
import { inTrouble } from "./trouble";
import { byUrgency, outlookOf, sentencesOf, stopMeaning, type WordId } from "./words";

const now = new Date("2026-11-22T12:00:00Z");
const budget = (change: Partial<Budget> = {}, state: Partial<NonNullable<Budget["state"]>> = {}): Budget => ({
  id: "b1",
  name: "",
  scope: { kind: "unit", id: "u1", name: "Search", value: null, unit_kind: "team" },
  each: null,
  measure: "cost",
  limit: "14000000000000",
  period: { kind: "month", starts_on: 1, seconds: null },
  zone: "UTC",
  carries_over: false,
  is_strict: false,
  is_hard: true,
  ladder: [
    { at_percent: 70, basis: "actual", action: "notify" },
    { at_percent: 90, basis: "actual", action: "notify" },
    { at_percent: 110, basis: "actual", action: "stop" },
  ],
  raises: [],
  created_at: "2026-10-01T00:00:00Z",
  archived_at: null,
  state: {
    subject: null,
    window: { from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z" },
    limit: "14000000000000",
    used: "7000000000000",
    held: "0",
    left: "7000000000000",
    percent: 50,
    level: "on_track",
    forecast: { at_end: "9800000000000", low: "9000000000000", high: "11000000000000", exhausts_at: null },
    subjects: null,
    refused: 0,
    ...state,
  },
  ...change,
});

beforeAll(async () => {
  await setLanguage("en");
  setFormatLocale("en-US");
});

it("says a budget in a sentence", () => {
  const [main = [], ...details] = sentencesOf(BudgetDraft.of(budget()));
  expect(plainSentence(main)).toBe("Search may spend $14,000 a month, tell at 70% and 90%, stop at 110%.");
  expect(main.flatMap(({ word }) => word ?? [])).toEqual<WordId[]>([
    "scope",
    "measure",
    "limit",
    "period",
    "alerts",
    "stop",
  ]);
  expect(details.map(plainSentence)).toContain("Months begin on day 1 in UTC.");
});

it("keeps everything a budget says through its draft", () => {
  const all: Partial<Budget>[] = [
    {},
    { each: "member", is_strict: true, carries_over: true, name: "Each person" },
    { measure: "tokens", limit: "5000000", period: { kind: "rolling", starts_on: null, seconds: 3_600 } },
    {
      scope: { kind: "tag", id: null, name: "ticket", value: "OPS-12", unit_kind: null },
      ladder: [{ at_percent: 80, basis: "forecast", action: "notify" }],
    },
    {
      scope: { kind: "organization", id: "o1", name: "Northwind", value: null, unit_kind: null },
      period: { kind: "week", starts_on: 3, seconds: null },
    },
  ];
  for (const change of all) {
    const original = budget(change);
    const body = BudgetDraft.of(original).body();
    const { scope, ...rest } = body;
    expect(rest).toEqual({
      name: original.name,
      each: original.each,
      measure: original.measure,
      limit: original.limit,
      period: original.period,
      zone: original.zone,
      carries_over: original.carries_over,
      is_strict: original.is_strict,
      ladder: original.ladder,
    });
    expect(scope.kind).toBe(original.scope.kind);
    expect(BudgetDraft.of({ ...original, ...body, scope: original.scope } as Budget).body()).toEqual(body);
  }
});

it("begins with each part where each has the limit for itself", () => {
  const [main = [], ...details] = sentencesOf(BudgetDraft.of(budget({ each: "member" })));
  expect(plainSentence(main)).toMatch(/^Each member of Search may spend/);
  expect(details.flat().some(({ word }) => word === "each")).toBe(false);
});

it("names what is missing before it can be saved", () => {
  const draft = new BudgetDraft();
  expect(draft.problem?.word).toBe("limit");
  draft.limit = "1000000000";
  expect(draft.problem).toBeNull();
  draft.stopsAt = null;
  draft.alerts = [];
  expect(draft.problem?.word).toBe("alerts");
  draft.scope = { kind: "unit", id: null, name: "", value: null, unit_kind: null };
  expect(draft.problem?.word).toBe("scope");
});

it("has no window, no first day and nothing left over for requests at once", () => {
  const draft = BudgetDraft.of(budget({ measure: "concurrent", limit: "8", carries_over: true }));
  expect(draft.canCarryOver).toBe(false);
  expect(draft.body()).toMatchObject({ carries_over: false, period: periodOf("total") });
  const words = sentencesOf(draft)
    .flat()
    .flatMap(({ word }) => word ?? []);
  expect(words).not.toContain("period");
  expect(words).not.toContain("zone");
  expect(stopMeaning(draft)).toContain("while this many run");
});

it("puts the words in the order of the language", async () => {
  await setLanguage("de");
  setFormatLocale("de-DE");
  const [main = []] = sentencesOf(BudgetDraft.of(budget()));
  expect(plainSentence(main).replaceAll("\u00a0", " ")).toBe(
    "Search darf im Monat 14.000 $ ausgeben, bei 70 % und 90 % melden, bei 110 % stoppen.",
  );
  await setLanguage("en");
  setFormatLocale("en-US");
});

it.each([
  [{}, {}, "ok", "On track: 70% used on Dec 1"],
  [{}, { level: "warned" as const }, "warn", "Close: 70% used on Dec 1"],
  [
    {},
    { forecast: { at_end: "1", low: "1", high: "1", exhausts_at: "2026-11-28T00:00:00Z" } },
    "bad",
    "Runs out on Nov 28, 3 days early",
  ],
  [
    {},
    { forecast: { at_end: "1", low: "1", high: "1", exhausts_at: "2026-11-30T10:00:00Z" } },
    "warn",
    "Runs out on Nov 30, 14 hours early",
  ],
  [{}, { left: "0" }, "bad", "Used up; begins again on Dec 1"],
  [{}, { forecast: null, percent: 0 }, "neutral", "Too early to tell"],
  [{}, { forecast: null, level: "warned" as const }, "warn", "50% used, too early to tell more"],
  [{ measure: "concurrent" as const }, { window: null, forecast: null }, "ok", "Has room right now"],
  [
    { measure: "concurrent" as const },
    { window: null, forecast: null, left: "0" },
    "bad",
    "At its limit right now",
  ],
  [
    { period: { kind: "total" as const } },
    { window: { from: "2026-01-01T00:00:00Z", to: null } },
    "ok",
    "Lasts at this rate",
  ],
])("tells where a budget is going (%#)", (change, state, tone, text) => {
  expect(outlookOf(budget(change, state), now)).toEqual({ tone, text });
});

it("tells times by the clock of the budget's zone", () => {
  const berlin = budget(
    { zone: "Europe/Berlin" },
    { left: "0", window: { from: "2026-10-31T23:00:00Z", to: "2026-11-30T23:00:00Z" } },
  );
  expect(outlookOf(berlin, now).text).toBe("Used up; begins again on Dec 1");
});

it("lists what runs out first on top, and only what needs somebody", () => {
  const usedUp = budget({ id: "up" }, { left: "0", level: "exhausted" });
  const later = budget(
    { id: "later" },
    { level: "ahead", forecast: { at_end: "1", low: "1", high: "1", exhausts_at: "2026-11-29T00:00:00Z" } },
  );
  const sooner = budget(
    { id: "sooner" },
    { level: "ahead", forecast: { at_end: "1", low: "1", high: "1", exhausts_at: "2026-11-23T00:00:00Z" } },
  );
  const archived = budget({ id: "old", state: null, archived_at: "2026-11-01T00:00:00Z" });
  const all = [budget({ id: "fine" }), later, archived, usedUp, sooner];
  expect([...all].sort(byUrgency).map(({ id }) => id)).toEqual(["up", "sooner", "later", "fine", "old"]);
  expect(inTrouble(all).map(({ id }) => id)).toEqual(["up", "sooner", "later"]);
});

it.each([
  ["70, 90", [70, 90]],
  ["90 and 70 %", [70, 90]],
  ["110%", [110]],
  ["", []],
  ["0", null],
  ["1001", null],
])("reads the percentages of %j", (text, percents) => {
  expect(parsePercents(text)).toEqual(percents);
});
