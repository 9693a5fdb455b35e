/** A budget as it is being written: what the sentence says, and what is wrong with it. */
import type {
  Basis,
  BudgetDraft as Body,
  Budget,
  BudgetScope,
  Each,
  Measure,
  Period,
  PeriodKind,
  Rung,
} from "$lib/api";
import { ownZone } from "$lib/format";
import { m } from "$lib/i18n";

/** At which part of the limit people are told. */
export interface Alert {
  percent: number;
  basis: Basis;
}

export const measures: readonly Measure[] = ["cost", "tokens", "requests", "concurrent"];
export const eachChoices: readonly (Each | null)[] = [null, "team", "member", "app", "key", "session"];
export const leastPercent = 1;
export const mostPercent = 1_000;

/** The periods of the sentence; a rolling one has a length of its own. */
export const periodKinds: readonly PeriodKind[] = [
  "hour",
  "day",
  "week",
  "month",
  "quarter",
  "year",
  "total",
  "rolling",
];

/** The period of a kind, as it begins by default. */
export function periodOf(kind: PeriodKind): Period {
  return {
    kind,
    starts_on: kind === "week" || kind === "month" ? 1 : null,
    seconds: kind === "rolling" ? 86_400 : null,
  };
}

export const wholeOrganization: BudgetScope = {
  kind: "organization",
  id: null,
  name: "",
  value: null,
  unit_kind: null,
};

export class BudgetDraft {
  name = $state("");
  scope = $state.raw<BudgetScope>(wholeOrganization);
  each = $state<Each | null>(null);
  measure = $state<Measure>("cost");
  /** In the unit of the measure; empty where it is not written yet. */
  limit = $state("");
  period = $state.raw<Period>(periodOf("month"));
  zone = $state(ownZone());
  carriesOver = $state(false);
  isStrict = $state(false);
  alerts = $state.raw<readonly Alert[]>([
    { percent: 70, basis: "actual" },
    { percent: 90, basis: "actual" },
  ]);
  /** At which part of the limit requests are refused; null where it only tells. */
  stopsAt = $state<number | null>(100);

  /** A copy of a budget, to change it. */
  static of(budget: Budget): BudgetDraft {
    const draft = new BudgetDraft();
    draft.name = budget.name;
    draft.scope = budget.scope;
    draft.each = budget.each ?? null;
    draft.measure = budget.measure;
    draft.limit = budget.limit;
    draft.period = budget.period;
    draft.zone = budget.zone;
    draft.carriesOver = budget.carries_over;
    draft.isStrict = budget.is_strict;
    draft.alerts = budget.ladder
      .filter(({ action }) => action === "notify")
      .map(({ at_percent, basis }) => ({ percent: at_percent, basis: basis ?? "actual" }));
    draft.stopsAt = budget.ladder.find(({ action }) => action === "stop")?.at_percent ?? null;
    return draft;
  }

  /** The same draft once more. */
  copy(): BudgetDraft {
    const other = new BudgetDraft();
    other.take(this);
    return other;
  }

  /** Becomes what another one says. */
  take(other: BudgetDraft): void {
    this.name = other.name;
    this.scope = other.scope;
    this.each = other.each;
    this.measure = other.measure;
    this.limit = other.limit;
    this.period = other.period;
    this.zone = other.zone;
    this.carriesOver = other.carriesOver;
    this.isStrict = other.isStrict;
    this.alerts = other.alerts;
    this.stopsAt = other.stopsAt;
  }

  /** Requests under way have no window: none to begin, to carry over or to name. */
  get hasWindow(): boolean {
    return this.measure !== "concurrent";
  }

  /** Whether what one window leaves over could be added to the next. */
  get canCarryOver(): boolean {
    return this.hasWindow && this.period.kind !== "total" && this.period.kind !== "rolling";
  }

  /** What the ladder says, in rising order. */
  get ladder(): Rung[] {
    const alerts = this.alerts.map(
      ({ percent, basis }): Rung => ({ at_percent: percent, basis, action: "notify" }),
    );
    const stop: Rung[] =
      this.stopsAt === null ? [] : [{ at_percent: this.stopsAt, basis: "actual", action: "stop" }];
    return [...alerts, ...stop].sort((left, right) => left.at_percent - right.at_percent);
  }

  /** Why it cannot be saved yet; null when it can. */
  get problem(): { word: "limit" | "alerts" | "stop" | "scope"; text: string } | null {
    const { kind, id, name, value } = this.scope;
    const isWhole = kind === "organization" || (kind === "tag" ? Boolean(name && value) : Boolean(id));
    if (!isWhole) return { word: "scope", text: m.budget_error_scope() };
    if (!/^\d+$/.test(this.limit) || BigInt(this.limit) === 0n)
      return { word: "limit", text: m.budget_error_limit() };
    if (this.stopsAt === null && this.alerts.length === 0)
      return { word: "alerts", text: m.budget_error_nothing() };
    return null;
  }

  /** As the API takes it. */
  body(): Body {
    const { kind, id, name, value } = this.scope;
    const scope = kind === "tag" ? { kind, name, value } : { kind, id: kind === "organization" ? null : id };
    return {
      name: this.name.trim(),
      scope,
      each: this.each,
      measure: this.measure,
      limit: this.limit,
      period: this.hasWindow ? this.period : periodOf("total"),
      zone: this.zone,
      carries_over: this.canCarryOver && this.carriesOver,
      is_strict: this.isStrict,
      ladder: this.ladder,
    };
  }
}

/** Percentages from what a person typed: `70, 90 and 100 %`. Null where one is none. */
export function parsePercents(text: string): number[] | null {
  const found = text.match(/\d+/g)?.map(Number) ?? [];
  const isEmpty = text.replace(/[\s,;%&+.]|\p{L}/gu, "") === "";
  if (found.length === 0) return isEmpty ? [] : null;
  const isFine = found.every((percent) => percent >= leastPercent && percent <= mostPercent);
  return isFine ? [...new Set(found)].sort((left, right) => left - right) : null;
}
