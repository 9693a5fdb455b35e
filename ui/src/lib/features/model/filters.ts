/** What narrows the list of models, as it stands in the address, and how many each choice would leave. */
import type { Key } from "$lib/api";
import { compareText } from "$lib/format";
import type { Entry } from "./catalogue";

/** A least and a most, both included; null where it is open. */
export interface Span {
  from: number | null;
  to: number | null;
}

/** Facets of which several values can be chosen. */
export const choiceNames = [
  "here",
  "mode",
  "kind",
  "maker",
  "can",
  "in",
  "out",
  "status",
  "weights",
] as const;
export type ChoiceName = (typeof choiceNames)[number];
/** Facets that are a span of numbers; `released` counts days since 1970. */
export const spanNames = ["price", "context", "output", "released"] as const;
export type SpanName = (typeof spanNames)[number];

export interface ModelFilters {
  words: readonly string[];
  choices: Readonly<Record<ChoiceName, readonly string[]>>;
  spans: Readonly<Record<SpanName, Span>>;
  /** Only what this key may use. */
  allowedFor: string;
  /** Only where the sources disagree. */
  disagreeing: boolean;
}

/** Every parameter of the address that filters. */
export const filterParameters = ["q", ...choiceNames, ...spanNames, "allowed", "disagree"] as const;

/** A model has all chosen values of these, and one of the others'. */
const needsAll: readonly ChoiceName[] = ["can", "in", "out"];

/** The filters an address names. */
export function filtersOf(parameters: Readonly<Record<string, string>>): ModelFilters {
  const list = (name: string) => (parameters[name] ? (parameters[name]?.split(",") ?? []) : []);
  const choices = Object.fromEntries(choiceNames.map((name) => [name, list(name)])) as Record<
    ChoiceName,
    string[]
  >;
  const spans = Object.fromEntries(spanNames.map((name) => [name, parseSpan(parameters[name])])) as Record<
    SpanName,
    Span
  >;
  return {
    words: (parameters.q ?? "").toLowerCase().split(/\s+/).filter(Boolean),
    choices,
    spans,
    allowedFor: parameters.allowed ?? "",
    disagreeing: parameters.disagree === "1",
  };
}

/** Whether anything narrows the list. */
export function hasFilters(parameters: Readonly<Record<string, string>>): boolean {
  return filterParameters.some((name) => parameters[name]);
}

/** A span from `0.5..2`, `..2` or `0.5..`. */
export function parseSpan(text: string | undefined): Span {
  const [from = "", to = ""] = (text ?? "").split("..");
  const number = (part: string) => (part !== "" && Number.isFinite(Number(part)) ? Number(part) : null);
  return { from: number(from), to: number(to) };
}

/** The span as it stands in the address; undefined where it is open on both ends. */
export function spanText({ from, to }: Span): string | undefined {
  return from === null && to === null ? undefined : `${from ?? ""}..${to ?? ""}`;
}

/** The values of a facet that a model has. */
export function valuesOf({ model }: Entry, name: ChoiceName): readonly string[] {
  switch (name) {
    case "here":
      return [
        ...(model.mine !== null && model.mine.models.length > 0 ? ["added"] : []),
        ...(model.mine?.providers.some(({ is_seen }) => is_seen === true) ? ["served"] : []),
        ...(model.mine !== null ? ["provider"] : []),
      ];
    case "mode":
      return [model.mode];
    case "kind":
      return [model.kind];
    case "maker":
      return model.maker === "" ? [] : [model.maker];
    case "can":
      return model.features;
    case "in":
      return model.input;
    case "out":
      return model.output;
    case "status":
      return [model.status];
    case "weights":
      return model.open_weights === null ? [] : [model.open_weights ? "open" : "closed"];
  }
}

/** The number of a span facet; null where it is not known. */
export function numberOf({ model, blended }: Entry, name: SpanName): number | null {
  switch (name) {
    case "price":
      return blended;
    case "context":
      return model.context;
    case "output":
      return model.max_output;
    case "released":
      return model.released === null ? null : dayNumber(model.released);
  }
}

/** Days since 1970 of a catalogue's date; the first of the month or year where the source says no day. */
export function dayNumber(text: string): number | null {
  const [year = "", month = "01", date = "01"] = text.split("-");
  const time = Date.parse(`${year}-${month}-${date}T00:00:00Z`);
  return Number.isNaN(time) ? null : Math.floor(time / 86_400_000);
}

/** The date of a day number: `2026-08-05`. */
export function dayText(days: number): string {
  return new Date(Math.round(days) * 86_400_000).toISOString().slice(0, 10);
}

export interface Filtered {
  entries: Entry[];
  /** How many models each value of each facet would leave, by facet. */
  counts: Readonly<Record<ChoiceName, ReadonlyMap<string, number>>>;
}

/** Filters the entries and counts the choices. A facet of which one is enough counts beyond its own choice. */
export function filterEntries(
  entries: readonly Entry[],
  filters: ModelFilters,
  keys: readonly Pick<Key, "id" | "models">[],
): Filtered {
  const tests = testsOf(filters, keys);
  const counts = Object.fromEntries(choiceNames.map((name) => [name, new Map<string, number>()])) as Record<
    ChoiceName,
    Map<string, number>
  >;
  const kept: Entry[] = [];
  for (const entry of entries) {
    const failed = failedTests(entry, tests);
    if (failed === null) continue;
    if (failed === "") kept.push(entry);
    for (const name of choiceNames) {
      const counts_ = failed === "" || (failed === name && !needsAll.includes(name));
      if (counts_) for (const value of valuesOf(entry, name)) add(counts[name], value);
    }
  }
  return { entries: kept, counts };
}

function add(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

type Test = [name: string, passes: (entry: Entry) => boolean];

/** The only test an entry fails, an empty text where it fails none, null where it fails several. */
function failedTests(entry: Entry, tests: readonly Test[]): string | null {
  let failed = "";
  for (const [name, passes] of tests) {
    if (passes(entry)) continue;
    if (failed !== "") return null;
    failed = name;
  }
  return failed;
}

function testsOf(filters: ModelFilters, keys: readonly Pick<Key, "id" | "models">[]): Test[] {
  const tests: Test[] = [];
  const { words, choices, spans, allowedFor, disagreeing } = filters;
  if (words.length > 0) tests.push(["q", ({ text }) => words.every((word) => text.includes(word))]);
  for (const name of choiceNames) {
    const wanted = choices[name];
    if (wanted.length === 0) continue;
    tests.push([
      name,
      (entry) => {
        const values = valuesOf(entry, name);
        const has = (value: string) => values.includes(value);
        return needsAll.includes(name) ? wanted.every(has) : wanted.some(has);
      },
    ]);
  }
  for (const name of spanNames) {
    const { from, to } = spans[name];
    if (from === null && to === null) continue;
    tests.push([
      name,
      (entry) => {
        const value = numberOf(entry, name);
        return value !== null && (from === null || value >= from) && (to === null || value <= to);
      },
    ]);
  }
  if (allowedFor !== "") {
    const key = keys.find(({ id }) => id === allowedFor);
    const names = key?.models ?? null;
    tests.push([
      "allowed",
      ({ model }) => model.mine?.models.some(({ name }) => names === null || names.includes(name)) ?? false,
    ]);
  }
  if (disagreeing) tests.push(["disagree", ({ model }) => model.disagreements > 0]);
  return tests;
}

/** What the list can be ordered by. */
export const orderNames = [
  "name",
  "kind",
  "mode",
  "context",
  "max_output",
  "input",
  "output",
  "blended",
  "released",
] as const;
export type OrderName = (typeof orderNames)[number];

/** Orders entries; what is unknown comes last either way. Without a name: own ones first, then the newest. */
export function orderEntries(
  entries: readonly Entry[],
  by: OrderName | undefined,
  isDescending: boolean,
): Entry[] {
  if (by === undefined) return [...entries].sort(byUse);
  const sign = isDescending ? -1 : 1;
  return [...entries].sort((left, right) => {
    const [one, other] = [sortValue(left, by), sortValue(right, by)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return sign * compare(one, other) || compareText(left.model.name, right.model.name);
  });
}

function byUse(left: Entry, right: Entry): number {
  const rank = ({ model }: Entry) => (model.mine === null ? 2 : model.mine.models.length > 0 ? 0 : 1);
  return (
    rank(left) - rank(right) ||
    (dayNumber(right.model.released ?? "") ?? 0) - (dayNumber(left.model.released ?? "") ?? 0) ||
    compareText(left.model.name, right.model.name)
  );
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === "string" && typeof other === "string") return compareText(one, other);
  return Number(one) - Number(other);
}

function sortValue({ model, blended }: Entry, by: OrderName): string | number | null {
  switch (by) {
    case "name":
    case "kind":
    case "mode":
    case "released":
    case "context":
    case "max_output":
      return model[by];
    case "input":
    case "output":
      return blended === null || model.price === null ? null : Number(model.price[by]);
    case "blended":
      return blended;
  }
}
