/** The four headline figures of the overview, in words. */
import type { Figures, Overview } from "$lib/api";
import { costHint, costOf, costText } from "$lib/cost";
import { change, compactCount, count, duration, money, moneyForChart, percent } from "$lib/format";
import { m } from "$lib/i18n";

export interface Headline {
  id: string;
  label: string;
  value: string;
  hint: string;
  note: string;
  course: (number | null)[];
  tone: 1 | 2 | 3 | 4;
}

function comparison(current: number, previous: number): string {
  if (current === previous) return m.overview_no_change();
  const difference = change(current, previous);
  return difference === null ? m.overview_nothing_before() : m.overview_change({ change: difference });
}

function spendNote(current: Figures, previous: Figures): string {
  if (current.unknown_cost_requests > 0) return m.overview_unpriced({ count: current.unknown_cost_requests });
  return comparison(moneyForChart(current.cost.amount), moneyForChart(previous.cost.amount));
}

function requestsNote(current: Figures, previous: Figures): string {
  if (current.errors === 0) return comparison(current.requests, previous.requests);
  return m.overview_error_note({ count: current.errors, share: percent(current.errors / current.requests) });
}

/** `range` is the period in words, for the tooltips. */
export function headlinesOf({ current, previous, series }: Overview, range: string): Headline[] {
  const tokens = current.input_tokens + current.output_tokens;
  return [
    {
      id: "spend",
      label: m.overview_spend(),
      value: current.requests === 0 ? money("0") : costText(costOf(current)),
      hint: m.overview_spend_hint({ cost: costHint(costOf(current)), range }),
      note: spendNote(current, previous),
      course: series.map((point) => moneyForChart(point.cost)),
      tone: 1,
    },
    {
      id: "requests",
      label: m.overview_requests(),
      value: compactCount(current.requests),
      hint: m.overview_requests_hint({ count: count(current.requests), range }),
      note: requestsNote(current, previous),
      course: series.map((point) => point.requests),
      tone: 3,
    },
    {
      id: "tokens",
      label: m.overview_tokens(),
      value: compactCount(tokens),
      hint: m.overview_tokens_hint({
        input: count(current.input_tokens),
        output: count(current.output_tokens),
        range,
      }),
      note: m.overview_tokens_note({
        input: compactCount(current.input_tokens),
        output: compactCount(current.output_tokens),
      }),
      course: series.map((point) => point.input_tokens + point.output_tokens),
      tone: 4,
    },
    {
      id: "latency",
      label: m.overview_latency(),
      value: current.p95_us === null ? "–" : duration(current.p95_us),
      hint: m.overview_latency_hint({ range }),
      note:
        current.p50_us === null
          ? m.overview_no_latency()
          : m.overview_latency_note({ median: duration(current.p50_us) }),
      course: series.map((point) => point.p95_us),
      tone: 2,
    },
  ];
}
