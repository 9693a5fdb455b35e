/** A decision in words: kinds of work, needs, and what ruled a candidate out. */
import type { ConsideredModel, Decision, RemovedReason, RequestTask, TaskFamily, TaskNeed } from "$lib/api";
import { count, duration, listed, money, permille } from "$lib/format";
import { m } from "$lib/i18n";

/** Every kind of work, in the order in which they are shown. */
export const families = [
  "code",
  "maths",
  "reasoning",
  "knowledge",
  "writing",
  "extraction",
  "summary",
  "translation",
  "chat",
  "tools",
  "other",
] as const satisfies readonly TaskFamily[];

/** Everything that a request can need of a model. */
export const needs = [
  "images",
  "audio",
  "documents",
  "video",
  "tools",
  "schema",
  "reasoning",
  "web_search",
  "audio_output",
  "image_output",
] as const satisfies readonly TaskNeed[];

const bounds = [
  "input_price",
  "output_price",
  "cost",
  "first_output_ms",
  "total_ms",
  "quality",
  "never_dearer",
  "local_only",
  "no_retention",
  "regions",
  "providers",
  "never_providers",
] as const;

export function familyText(family: TaskFamily): string {
  return m[`route_family_${family}`]();
}

export function needText(need: TaskNeed): string {
  return m[`route_need_${need}`]();
}

/** A bound of a rule by its name there. */
export function boundText(name: string): string {
  const known = bounds.find((bound) => bound === name);
  return known === undefined ? name : m[`route_bound_${known}`]();
}

/** Milliseconds as a length of time. */
export function milliseconds(length: number): string {
  return duration(length * 1_000);
}

/** Why a candidate was not to be tried. */
export function removalText({ by, text, need, tokens, bound, for_ms }: RemovedReason): string {
  const time = milliseconds(for_ms ?? 0);
  switch (by) {
    case "lacks":
      return need == null ? text : m.route_removed_lacks({ need: needText(need) });
    case "context":
      return m.route_removed_context({ tokens: count(tokens ?? 0) });
    case "bound":
      return m.route_removed_bound({ bound: boundText(bound ?? "") });
    case "resting":
      return m.route_removed_resting({ time });
    case "rate_limited":
      return m.route_removed_rate_limited({ time });
    default:
      return m[`route_removed_${by}`]();
  }
}

/** What was made of the request's text. */
export function taskText(task: RequestTask): string {
  return m.route_task({
    family: familyText(task.family),
    confidence: permille(task.confidence_permille),
    difficulty: permille(task.difficulty_permille),
    need: permille(task.need_permille),
  });
}

/** What was expected of a candidate, each figure a short text. */
export function figuresOf(candidate: ConsideredModel): string[] {
  const { quality_permille: quality, quality_deviation_permille: deviation } = candidate;
  const { first_output_ms: first, total_ms: total, availability_permille: availability } = candidate;
  const figures: string[] = [];
  if (quality !== null)
    figures.push(
      deviation === null
        ? m.route_quality({ quality: permille(quality) })
        : m.route_quality_deviation({ quality: permille(quality), deviation: permille(deviation) }),
    );
  if (first !== null && total !== null)
    figures.push(m.route_times({ first: milliseconds(first), total: milliseconds(total) }));
  else figures.push(first === null ? m.route_no_times() : m.route_first({ first: milliseconds(first) }));
  if (availability !== null) figures.push(m.route_availability({ share: permille(availability) }));
  return figures;
}

/** The rule that gave the route. */
export function ruleText({ rule }: Decision): string {
  if (rule === null) return m.route_rule_none();
  const { index, policy, version, name } = rule;
  return name === ""
    ? m.route_rule_unnamed({ index, policy, version })
    : m.route_rule({ index, policy, version, name });
}

/** What a version on trial made of it; null where there is none. */
export function trialText({ trial }: Decision): string | null {
  if (trial === null) return null;
  const { version } = trial;
  if (trial.has_decided) return m.route_trial_decided({ version });
  const cost = trial.cost === null ? m.route_price_unknown() : money(trial.cost);
  return m.route_trial_other({ version, model: trial.model ?? m.route_nobody(), cost });
}

/** What the request brought and needs. */
export function sizeText(decision: Decision): string {
  const size = m.route_tokens({
    input: count(decision.input_tokens),
    output: count(decision.output_tokens),
  });
  if (decision.needs.length === 0) return size;
  return `${size} ${m.route_needs({ needs: listed(decision.needs.map(needText)) })}`;
}
