/** Budgets in words: the sentence, amounts, periods and what is going to happen. */
import type {
  Budget,
  BudgetAlert,
  BudgetLevel,
  BudgetScope,
  Each,
  Measure,
  Period,
  PeriodKind,
  ScopeKind,
  UnitKind,
} from "$lib/api";
import { clock, count, day, integer, listed, money, percent, roundMoney, weekday } from "$lib/format";
import { m } from "$lib/i18n";
import { type Piece, pieces } from "$lib/ui/sentence";
import type { Alert, BudgetDraft } from "./draft.svelte";

/** What a scope is called; of the whole organisation, the words for that where its name is not known. */
export function scopeText({ kind, name, value }: Pick<BudgetScope, "kind" | "name" | "value">): string {
  if (kind === "tag") return name && value ? m.budget_scope_tag({ tag: `${name}=${value}` }) : "";
  return name || (kind === "organization" ? m.scope_organization_whole() : "");
}

/** What a budget goes by. */
export function titleOf({ name, scope }: Pick<Budget, "name" | "scope">): string {
  return name || scopeText(scope) || m.budget_scope_removed();
}

/** What a unit is: `Team`. */
export function unitKindText(kind: UnitKind): string {
  const texts: Record<UnitKind, () => string> = {
    department: m.unit_department,
    team: m.unit_team,
    project: m.unit_project,
    member: m.unit_member,
    app: m.unit_app,
  };
  return texts[kind]();
}

/** An amount in the unit of its measure: `$14,000`, `5,000,000 tokens`. */
export function amountText(measure: Measure, amount: string): string {
  switch (measure) {
    case "cost":
      return roundMoney(amount);
    case "tokens":
      return m.budget_amount_tokens({ amount: integer(amount) });
    case "requests":
      return m.budget_amount_requests({ amount: integer(amount) });
    case "concurrent":
      return m.budget_amount_concurrent({ amount: integer(amount) });
  }
}

/** An amount without the name of its unit, for a column whose title has it. */
export function figureText(measure: Measure, amount: string): string {
  return measure === "cost" ? roundMoney(amount) : integer(amount);
}

/** An amount that is only about so much: without what nobody could know. */
export function roughText(measure: Measure, amount: string): string {
  const number = Number(amount);
  if (measure !== "cost") return integer(String(Math.round(Number(number.toPrecision(3)))));
  return number >= 100e9
    ? roundMoney(String(BigInt(Math.round(number / 1e9)) * 1_000_000_000n))
    : money(amount);
}

/** What is counted, as a thing: `Money`. */
export function measureText(measure: Measure): string {
  const texts: Record<Measure, () => string> = {
    cost: m.budget_measure_cost,
    tokens: m.budget_measure_tokens,
    requests: m.budget_measure_requests,
    concurrent: m.budget_measure_concurrent,
  };
  return texts[measure]();
}

/** What is counted, as what one does with it: `spend`. */
export function measureVerb(measure: Measure): string {
  const texts: Record<Measure, () => string> = {
    cost: m.budget_verb_cost,
    tokens: m.budget_verb_tokens,
    requests: m.budget_verb_requests,
    concurrent: m.budget_verb_concurrent,
  };
  return texts[measure]();
}

/** A length of time: `15 minutes`, `1 day`. */
export function lengthText(seconds: number): string {
  if (seconds % 86_400 === 0) return m.budget_length_days({ count: seconds / 86_400 });
  if (seconds % 3_600 === 0) return m.budget_length_hours({ count: seconds / 3_600 });
  if (seconds % 60 === 0) return m.budget_length_minutes({ count: seconds / 60 });
  return m.budget_length_seconds({ count: seconds });
}

/** How often, as the sentence says it: `a month`, `in any 24 hours`. */
export function periodText(period: Period): string {
  if (period.kind === "rolling")
    return m.budget_period_rolling({ length: lengthText(period.seconds ?? 86_400) });
  const texts: Record<Exclude<PeriodKind, "rolling">, () => string> = {
    hour: m.budget_period_hour,
    day: m.budget_period_day,
    week: m.budget_period_week,
    month: m.budget_period_month,
    quarter: m.budget_period_quarter,
    year: m.budget_period_year,
    total: m.budget_period_total,
  };
  return texts[period.kind]();
}

/** A kind of period by its name: `Month`. */
export function periodName(kind: PeriodKind): string {
  const texts: Record<PeriodKind, () => string> = {
    hour: m.budget_period_name_hour,
    day: m.budget_period_name_day,
    week: m.budget_period_name_week,
    month: m.budget_period_name_month,
    quarter: m.budget_period_name_quarter,
    year: m.budget_period_name_year,
    total: m.budget_period_name_total,
    rolling: m.budget_period_name_rolling,
  };
  return texts[kind]();
}

/** Whether the limit is shared, or each part has it for itself. */
export function eachText(each: Each | null | undefined): string {
  const texts: Record<Each, () => string> = {
    team: m.budget_each_team,
    member: m.budget_each_member,
    app: m.budget_each_app,
    key: m.budget_each_key,
    session: m.budget_each_session,
  };
  return each ? texts[each]() : m.budget_each_none();
}

/** Each part that has the limit for itself, as the sentence begins: `Each member`. */
function eachPartText(each: Each): string {
  const texts: Record<Each, () => string> = {
    team: m.budget_part_team,
    member: m.budget_part_member,
    app: m.budget_part_app,
    key: m.budget_part_key,
    session: m.budget_part_session,
  };
  return texts[each]();
}

/** What a scope is: `Team`, `Model`. */
export function scopeKindText({ kind, unit_kind }: Pick<BudgetScope, "kind" | "unit_kind">): string {
  if (unit_kind) return unitKindText(unit_kind);
  const texts: Record<ScopeKind, () => string> = {
    organization: m.scope_organization,
    unit: m.scope_unit,
    key: m.scope_key,
    provider: m.scope_provider,
    model: m.scope_model,
    tag: m.scope_tag,
  };
  return texts[kind]();
}

/** When people are told: `tell at 70 % and 90 %`. */
export function alertsText(alerts: readonly Alert[]): string {
  if (alerts.length === 0) return m.budget_alerts_none();
  return listed(
    alerts.map((alert) =>
      alert.basis === "forecast"
        ? m.budget_alert_forecast({ percent: percent(alert.percent / 100) })
        : percent(alert.percent / 100),
    ),
  );
}

/** When requests are refused: `110 %`. */
export function stopText(stopsAt: number | null): string {
  return stopsAt === null ? m.budget_stop_never() : percent(stopsAt / 100);
}

export type WordId =
  | "scope"
  | "measure"
  | "limit"
  | "period"
  | "alerts"
  | "stop"
  | "each"
  | "start"
  | "zone"
  | "carry"
  | "strict";

/** A sentence: plain text, and words that can be changed. */
type Words = Piece<WordId>[];

/** What a draft says: a sentence on the limit, and those on its details. */
export function sentencesOf(draft: BudgetDraft): Words[] {
  const limit = draft.limit === "" ? m.budget_limit_missing() : amountText(draft.measure, draft.limit);
  const main = {
    scope: scopeText(draft.scope) || m.budget_scope_missing(),
    measure: measureVerb(draft.measure),
    limit,
    alerts: alertsText(draft.alerts),
    stop: stopText(draft.stopsAt),
  };
  const ends = draft.stopsAt === null ? m.budget_sentence_soft : m.budget_sentence_hard;
  /** Who has the limit stands first: the scope, or each part of it. */
  const render = (values: Record<WordId, string>) => {
    const scope = draft.each === null ? values.scope : m.budget_each_of(values);
    const start = draft.hasWindow ? m.budget_sentence : m.budget_sentence_concurrent;
    return start({ ...values, scope }) + ends(values);
  };
  const words = {
    ...main,
    ...(draft.hasWindow ? { period: periodText(draft.period) } : {}),
    ...(draft.each === null ? {} : { each: eachPartText(draft.each) }),
  };
  return [pieces(render, words), ...detailsOf(draft)];
}

function detailsOf(draft: BudgetDraft): Words[] {
  const carry = draft.carriesOver ? m.budget_carry_on() : m.budget_carry_off();
  return [
    ...(draft.each === null ? [pieces(m.budget_sentence_each, { each: eachText(null) })] : []),
    ...(draft.hasWindow && draft.period.kind !== "rolling" && draft.period.kind !== "total"
      ? [startOf(draft)]
      : []),
    ...(draft.canCarryOver ? [pieces(m.budget_sentence_carry, { carry })] : []),
    pieces(m.budget_sentence_strict, {
      strict: draft.isStrict ? m.budget_strict_on() : m.budget_strict_off(),
    }),
  ];
}

function startOf(draft: BudgetDraft): Words {
  const zone = draft.zone.replaceAll("_", " ");
  if (draft.period.kind === "week") {
    return pieces(m.budget_sentence_week, { start: weekday(draft.period.starts_on ?? 1), zone });
  }
  if (draft.period.kind === "month") {
    return pieces(m.budget_sentence_month, { start: count(draft.period.starts_on ?? 1), zone });
  }
  return pieces(m.budget_sentence_zone, { zone });
}

/** What "stop" means for this draft, exactly. */
export function stopMeaning(draft: Pick<BudgetDraft, "stopsAt" | "isStrict" | "measure">): string {
  if (draft.stopsAt === null) return m.budget_means_soft();
  if (draft.measure === "concurrent") return m.budget_means_concurrent();
  if (draft.measure === "requests") return m.budget_means_requests();
  return draft.isStrict ? m.budget_means_strict() : m.budget_means_normal();
}

export type Tone = "ok" | "warn" | "bad" | "neutral";

/** What is going to happen, by how urgent it is. */
export interface Outlook {
  tone: Tone;
  text: string;
}

const dayLength = 86_400_000;
const hourLength = 3_600_000;

/** How much sooner than the window's end. */
function earlyText(milliseconds: number): string {
  if (milliseconds >= dayLength) return m.budget_early_days({ count: Math.round(milliseconds / dayLength) });
  return m.budget_early_hours({ count: Math.max(1, Math.round(milliseconds / hourLength)) });
}

/** A time as near as it needs to be, a clock time today, else a day; as the clock of a zone shows it. */
export function whenText(time: string, now: Date, zone?: string): string {
  const date = new Date(time);
  const [shown, today] = [day(date, now, zone), day(now, now, zone)];
  if (shown === today) return m.budget_at_clock({ time: clock(date, false, zone) });
  if (Math.abs(date.getTime() - now.getTime()) < dayLength) {
    return m.budget_at_day_and_clock({ day: shown, time: clock(date, false, zone) });
  }
  return m.budget_on_day({ day: shown });
}

/** How a state looks, by shape and word. */
export function levelTone(level: BudgetLevel): Tone {
  const tones: Record<BudgetLevel, Tone> = {
    on_track: "ok",
    ahead: "warn",
    warned: "warn",
    exhausted: "bad",
  };
  return tones[level];
}

/** What of a budget tells where it is going. */
type Going = Pick<Budget, "measure" | "period" | "state" | "zone">;

/** Whether, when and how early a budget runs out. */
export function outlookOf({ measure, period, state, zone }: Going, now: Date = new Date()): Outlook {
  if (state === null) return { tone: "neutral", text: m.budget_outlook_archived() };
  const end = state.window?.to ?? null;
  const isMoving = measure === "concurrent" || period.kind === "rolling";
  if (state.left === "0") {
    if (isMoving) return { tone: "bad", text: m.budget_outlook_full() };
    if (end === null) return { tone: "bad", text: m.budget_outlook_used_up() };
    return { tone: "bad", text: m.budget_outlook_used_up_until({ when: whenText(end, now, zone) }) };
  }
  if (isMoving) return { tone: "ok", text: m.budget_outlook_room() };
  if (state.forecast === null) {
    const text =
      state.percent === 0
        ? m.budget_outlook_unknown()
        : m.budget_outlook_used({ share: percent(state.percent / 100) });
    return { tone: state.level === "on_track" ? "neutral" : "warn", text };
  }
  const { exhausts_at, at_end } = state.forecast;
  if (exhausts_at !== null) return runsOut(exhausts_at, end, now, zone);
  if (end === null) return { tone: "ok", text: m.budget_outlook_lasts() };
  const share = percent(Number(at_end) / Math.max(1, Number(state.limit)));
  const values = { share, when: whenText(end, now, zone) };
  if (state.level === "warned") return { tone: "warn", text: m.budget_outlook_close(values) };
  return { tone: "ok", text: m.budget_outlook_fine(values) };
}

function runsOut(at: string, end: string | null, now: Date, zone: string): Outlook {
  const when = whenText(at, now, zone);
  const isSoon = Date.parse(at) - now.getTime() < 7 * dayLength;
  const tone = isSoon ? "bad" : "warn";
  if (end === null) return { tone, text: m.budget_outlook_runs_out({ when }) };
  const early = earlyText(Date.parse(end) - Date.parse(at));
  return { tone, text: m.budget_outlook_runs_out_early({ when, early }) };
}

/** What is told when a step of the ladder is reached. */
export function alertText(alert: BudgetAlert): string {
  const { name, scope, subject, measure, at_percent, basis, action, limit } = alert;
  const title = titleOf({ name, scope });
  const values = {
    name: subject === null ? title : `${title} (${subject.name})`,
    percent: percent(at_percent / 100),
    limit: amountText(measure, limit),
  };
  if (action === "stop") return m.budget_alert_stopped(values);
  return basis === "forecast" ? m.budget_alert_expected(values) : m.budget_alert_told(values);
}

/** The order of the list: what runs out first, then what is used most; archived ones last. */
export function byUrgency(left: Budget, right: Budget): number {
  return rank(left) - rank(right) || (right.state?.percent ?? 0) - (left.state?.percent ?? 0);
}

function rank({ state }: Pick<Budget, "state">): number {
  if (state === null) return Number.MAX_SAFE_INTEGER;
  if (state.left === "0") return 0;
  return state.forecast?.exhausts_at ? Date.parse(state.forecast.exhausts_at) : Number.MAX_SAFE_INTEGER - 1;
}
