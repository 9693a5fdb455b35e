import { expect, it } from "vitest";
import type { CatalogModel } from "$lib/api";
import { fixtures } from "$lib/gallery/fixtures";
import { type Entry, entriesOf } from "./catalogue";
import { dayNumber, dayText, filterEntries, filtersOf, orderEntries, parseSpan, spanText } from "./filters";

const base = fixtures.catalogue.models.find(({ mode }) => mode === "chat") as CatalogModel;
const entry = (id: string, change: Partial<CatalogModel>): Entry => {
  const model = { ...base, mine: null, disagreements: 0, ...change, id };
  const [made] = entriesOf({ ...fixtures.catalogue, models: [model] }, [], [], new Map());
  if (made === undefined) throw new Error("no entry was made");
  return made;
};
const price = (input: string) => ({
  input,
  output: input,
  cached_read: null,
  per_unit: null,
  has_tiers: false,
});
const entries = [
  entry("a", {
    maker: "One",
    features: ["tools", "reasoning"],
    price: price("1"),
    context: 128_000,
    released: "2026-05",
  }),
  entry("b", {
    maker: "Two",
    features: ["tools"],
    price: price("3"),
    context: 32_000,
    released: "2025-01-02",
  }),
  entry("c", { maker: "Two", features: [], price: null, context: null, released: null }),
];
const ids = (parameters: Record<string, string>) =>
  filterEntries(entries, filtersOf(parameters), []).entries.map(({ model }) => model.id);

it("wants one of the makers but all of the abilities", () => {
  expect(ids({ maker: "One,Two" })).toEqual(["a", "b", "c"]);
  expect(ids({ can: "tools" })).toEqual(["a", "b"]);
  expect(ids({ can: "tools,reasoning" })).toEqual(["a"]);
});

it("keeps what is unknown out of a span, both ends included", () => {
  expect(ids({ price: "..3" })).toEqual(["a", "b"]);
  expect(ids({ price: "3..", context: "..32000" })).toEqual(["b"]);
  expect(ids({ released: `${dayNumber("2026-01-01")}..` })).toEqual(["a"]);
});

it("counts what each choice would leave: beyond its own facet where one is enough, within it where all are needed", () => {
  const { counts } = filterEntries(entries, filtersOf({ maker: "One", can: "tools" }), []);
  expect(Object.fromEntries(counts.maker)).toEqual({ One: 1, Two: 1 });
  expect(Object.fromEntries(counts.can)).toEqual({ tools: 1, reasoning: 1 });
});

it("knows what a key may use: only what is added, and only what its list names", () => {
  const mine = { providers: [], models: [{ id: "m", name: "fast" }] };
  const own = [entry("own", { mine }), ...entries];
  const keys = [
    { id: "any", models: null },
    { id: "some", models: ["other"] },
  ];
  const allowed = (id: string) =>
    filterEntries(own, filtersOf({ allowed: id }), keys).entries.map(({ model }) => model.id);
  expect(allowed("any")).toEqual(["own"]);
  expect(allowed("some")).toEqual([]);
});

it("finds every word in any order", () => {
  expect(ids({ q: "two b" })).toEqual(["b"]);
  expect(ids({ q: "two nothing" })).toEqual([]);
});

it("puts what is unknown last, whichever the direction", () => {
  const order = (isDescending: boolean) =>
    orderEntries(entries, "blended", isDescending).map(({ model }) => model.id);
  expect(order(false)).toEqual(["a", "b", "c"]);
  expect(order(true)).toEqual(["b", "a", "c"]);
});

it("begins with one's own and then the newest", () => {
  const own = entry("own", { released: "2020", mine: { providers: [], models: [{ id: "m", name: "x" }] } });
  expect(orderEntries([...entries, own], undefined, false).map(({ model }) => model.id)).toEqual([
    "own",
    "a",
    "b",
    "c",
  ]);
});

it("reads spans and dates back as they were written", () => {
  for (const text of ["1..2", "..2", "1.."]) expect(spanText(parseSpan(text))).toBe(text);
  expect([spanText(parseSpan("x..")), spanText(parseSpan(undefined))]).toEqual([undefined, undefined]);
  expect(dayText(dayNumber("2026-05") ?? 0)).toBe("2026-05-01");
  expect(dayNumber("soon")).toBeNull();
});

it("filters and counts the whole catalogue within a frame or two", () => {
  const many = entriesOf(fixtures.catalogue, [], [], new Map());
  const started = performance.now();
  filterEntries(many, filtersOf({ mode: "chat", can: "tools", price: "..5", q: "pro" }), []);
  expect(performance.now() - started).toBeLessThan(250);
});
