/** The rules of a policy as sentences whose words can be changed. */
import type {
  Key,
  OrganizationTree,
  PolicyBounds,
  PolicyCondition,
  PolicyPatience,
  RuleState,
  Strategy,
  TaskFamily,
  TaskNeed,
} from "$lib/api";
import { compactCount, duration, either, listed, money, percent, permille, rate, weekday } from "$lib/format";
import { m } from "$lib/i18n";
import { type Piece, pieces, plainSentence } from "$lib/ui/sentence";
import type { ConditionKind, FullRule } from "./draft.svelte";

/** A word of a rule: `when:0` is its first condition. */
export type WordId =
  | `when:${number}`
  | "more"
  | "strategy"
  | "candidates"
  | "fallbacks"
  | "bounds"
  | "patience";

export const conditionKinds = [
  "who",
  "family",
  "difficulty",
  "size",
  "needs",
  "tag",
  "header",
  "asked",
  "time",
  "budget_used",
] as const satisfies readonly ConditionKind[];

/** What the words need to know beside the rule. */
export interface Names {
  strategies: readonly Strategy[];
  /** The names of units and keys by id. */
  people: ReadonlyMap<string, string>;
  familyText: (family: TaskFamily) => string;
  needText: (need: TaskNeed) => string;
}

export function peopleOf(
  tree: OrganizationTree | undefined,
  keys: readonly Key[] | undefined,
): Map<string, string> {
  return new Map([...(tree?.units ?? []), ...(keys ?? [])].map(({ id, name }) => [id, name]));
}

export function conditionKindText(kind: ConditionKind): string {
  return m[`policy_condition_${kind}`]();
}

/** A minute of the day: `18:30`. */
export function minuteText(minute: number): string {
  const text = (value: number) => String(value).padStart(2, "0");
  return `${text(Math.floor(minute / 60) % 24)}:${text(minute % 60)}`;
}

function between(low: string | null, high: string | null): string {
  if (low !== null && high !== null) return m.policy_between({ low, high });
  if (low !== null) return m.policy_at_least({ low });
  return high === null ? m.policy_any_amount() : m.policy_at_most({ high });
}

const orNull = <T>(value: T | null | undefined, text: (value: T) => string) =>
  value == null ? null : text(value);

function daysText(days: readonly number[]): string {
  if (days.length === 0 || days.length === 7) return m.policy_every_day();
  if (days.length === 5 && days.every((day) => day <= 5)) return m.policy_weekdays();
  return listed([...days].sort((left, right) => left - right).map(weekday));
}

/** A condition as what follows "if". */
export function conditionText(condition: PolicyCondition, names: Names): string {
  const missing = m.policy_missing();
  const any = (values: readonly string[]) => (values.length === 0 ? missing : either(values));
  switch (condition.if) {
    case "who": {
      const ids = [...(condition.units ?? []), ...(condition.keys ?? [])];
      return m.policy_if_who({
        names: any(ids.map((id) => names.people.get(id) ?? m.policy_somebody_gone())),
      });
    }
    case "asked":
      return m.policy_if_asked({ names: any(condition.models) });
    case "tag":
      return (condition.values ?? []).length === 0
        ? m.policy_if_tag_any({ name: condition.name || missing })
        : m.policy_if_tag({ name: condition.name || missing, values: either(condition.values ?? []) });
    case "header":
      return (condition.values ?? []).length === 0
        ? m.policy_if_header_any({ name: condition.name || missing })
        : m.policy_if_header({ name: condition.name || missing, values: either(condition.values ?? []) });
    case "family":
      return m.policy_if_family({ names: any(condition.any_of.map(names.familyText)) });
    case "difficulty":
      return m.policy_if_difficulty({
        range: between(orNull(condition.at_least, permille), orNull(condition.at_most, permille)),
      });
    case "size":
      return m.policy_if_size({
        range: between(orNull(condition.at_least, compactCount), orNull(condition.at_most, compactCount)),
      });
    case "needs":
      return m.policy_if_needs({ names: any(condition.any_of.map(names.needText)) });
    case "time":
      return m.policy_if_time({
        days: daysText(condition.days ?? []),
        from: minuteText(condition.from),
        until: minuteText(condition.until),
      });
    case "budget_used":
      return m.policy_if_budget({ percent: percent(condition.at_least / 100) });
  }
}

/** The bounds that are set, each in words. */
export function boundTexts(bounds: PolicyBounds): string[] {
  const texts: string[] = [];
  const add = <T>(value: T | null | undefined, text: (value: T) => string) => {
    if (value != null) texts.push(text(value));
  };
  const time = (length: number) => duration(length * 1_000);
  add(bounds.input_price, (price) => m.policy_bound_input({ price: rate(price) }));
  add(bounds.output_price, (price) => m.policy_bound_output({ price: rate(price) }));
  add(bounds.cost, (cost) => m.policy_bound_cost({ cost: money(cost) }));
  add(bounds.first_output_ms, (length) => m.policy_bound_first({ time: time(length) }));
  add(bounds.total_ms, (length) => m.policy_bound_total({ time: time(length) }));
  add(bounds.quality_permille, (quality) => m.policy_bound_quality({ quality: permille(quality) }));
  if (bounds.never_dearer) texts.push(m.policy_bound_never_dearer());
  if (bounds.local_only) texts.push(m.policy_bound_local());
  if (bounds.no_retention) texts.push(m.policy_bound_no_retention());
  if (bounds.regions?.length) texts.push(m.policy_bound_regions({ names: either(bounds.regions) }));
  if (bounds.providers?.length) texts.push(m.policy_bound_providers({ names: either(bounds.providers) }));
  if (bounds.never_providers?.length)
    texts.push(m.policy_bound_never({ names: either(bounds.never_providers) }));
  return texts;
}

export function patienceTexts(patience: PolicyPatience): string[] {
  const time = (length: number) => duration(length * 1_000);
  const texts: string[] = [];
  if (patience.first_output_ms != null)
    texts.push(m.policy_wait_first({ time: time(patience.first_output_ms) }));
  if (patience.idle_ms != null) texts.push(m.policy_wait_idle({ time: time(patience.idle_ms) }));
  if (patience.total_ms != null) texts.push(m.policy_wait_total({ time: time(patience.total_ms) }));
  if (patience.attempts != null) texts.push(m.policy_wait_attempts({ count: patience.attempts }));
  return texts;
}

/** The strategy with those of its settings that are not as they are when left out. */
export function strategyText({ route }: Pick<FullRule, "route">, strategies: readonly Strategy[]): string {
  const strategy = strategies.find(({ id }) => id === route.strategy);
  if (strategy === undefined) return route.strategy;
  const changed = strategy.settings.flatMap((setting) => {
    const value = route.settings[setting.name];
    if (value === undefined || value === setting.default) return [];
    const option = setting.options.find((one) => one.value === value)?.title;
    const text =
      typeof value === "boolean" ? (value ? m.policy_on() : m.policy_off()) : (option ?? String(value));
    return [`${setting.title}: ${text}`];
  });
  return changed.length === 0 ? strategy.name : `${strategy.name} (${changed.join(", ")})`;
}

function candidatesText({ route }: Pick<FullRule, "route">): string {
  if (route.candidates.length === 0) return m.policy_any_model();
  const isWeighted = route.candidates.some(({ weight }) => (weight ?? 1) !== 1);
  return listed(
    route.candidates.map(({ model, weight }) => (isWeighted ? `${model} × ${weight ?? 1}` : model)),
  );
}

/** What a rule says: for whom it is, what it chooses, and what else holds. */
export function sentencesOf(rule: FullRule, names: Names, canAdd = true): Piece<WordId>[][] {
  const when = rule.when.flatMap((condition, index): Piece<WordId>[] => [
    { word: null, text: index === 0 ? "" : ` ${m.policy_and()} ` },
    { word: `when:${index}`, text: conditionText(condition, names) },
  ]);
  const more: Piece<WordId>[] = canAdd
    ? [
        { word: null, text: " " },
        { word: "more", text: m.policy_add_condition() },
      ]
    : [];
  const first: Piece<WordId>[] =
    rule.when.length === 0
      ? [{ word: null, text: m.policy_for_all() }]
      : [{ word: null, text: `${m.policy_if()} ` }, ...when];
  const bounds = boundTexts(rule.route.bounds);
  const patience = patienceTexts(rule.route.patience);
  return [
    [...first, ...more].filter(({ text }) => text !== ""),
    pieces(m.policy_choose, {
      strategy: strategyText(rule, names.strategies),
      candidates: candidatesText(rule),
    } as Record<WordId, string>),
    pieces(m.policy_else, {
      fallbacks: rule.route.fallbacks.length === 0 ? m.policy_nothing() : rule.route.fallbacks.join(", "),
      bounds: bounds.length === 0 ? m.policy_no_bounds() : listed(bounds),
      patience: patience.length === 0 ? m.policy_as_everywhere() : listed(patience),
    } as Record<WordId, string>),
  ];
}

/** A rule in one line. */
export function ruleLine(rule: FullRule, names: Names): string {
  return sentencesOf(rule, names, false).slice(0, 2).map(plainSentence).join(" ");
}

/** What a rule says to a request, in a word. */
export function verdictText(state: RuleState): { text: string; tone: "ok" | "neutral" } {
  const texts = { matched: m.policy_matched, failed: m.policy_failed, not_reached: m.policy_not_reached };
  return { text: texts[state](), tone: state === "matched" ? "ok" : "neutral" };
}
