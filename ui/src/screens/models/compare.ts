/** The lines of a comparison, and which model is best in each. */
import type { CatalogDetail } from "$lib/api";
import { costText } from "$lib/cost";
import { blendedOf } from "$lib/features/model/catalogue";
import { featureText, glanceText, modalityText, modeText, statusText } from "$lib/features/model/words";
import { catalogueDate, count, duration, rate, roundTokens } from "$lib/format";
import { m } from "$lib/i18n";
import { unknown } from "./columns";

export interface CompareLine {
  title: string;
  text: (detail: CatalogDetail) => string;
  /** What is compared, where more (1) or less (-1) is plainly better. */
  value?: (detail: CatalogDetail) => number | null;
  better?: 1 | -1;
}

/** Every line; `kindName` says what a provider kind is called. */
export function compareLines(kindName: (kind: string) => string): CompareLine[] {
  const list = (words: readonly string[]) => (words.length === 0 ? unknown : words.join(", "));
  const time = (value: number | null | undefined) =>
    value === null || value === undefined ? unknown : duration(value);
  const date = (text: string | null) => (text === null ? unknown : catalogueDate(text));
  const tokens = (value: number | null) => (value === null ? unknown : roundTokens(value));
  const blended = (detail: CatalogDetail) =>
    detail.blended === null ? null : blendedOf(detail, mixOfDetail(detail));
  // biome-ignore format: one line per line
  return [
    { title: m.models_column_kind(), text: ({ kind }) => kindName(kind) },
    { title: m.models_fact_maker(), text: ({ maker }) => maker || unknown },
    { title: m.models_fact_mode(), text: ({ mode }) => modeText(mode) },
    { title: m.models_fact_price(), text: ({ price }) => glanceText(price) },
    { title: m.models_fact_blended(), text: (detail) => (detail.blended === null ? unknown : rate(detail.blended)), value: blended, better: -1 },
    { title: m.models_fact_context(), text: ({ context }) => tokens(context), value: ({ context }) => context, better: 1 },
    { title: m.models_fact_output(), text: ({ max_output }) => tokens(max_output), value: ({ max_output }) => max_output, better: 1 },
    { title: m.models_fact_reads(), text: ({ input }) => list(input.map(modalityText)) },
    { title: m.models_fact_makes(), text: ({ output }) => list(output.map(modalityText)) },
    { title: m.models_fact_can(), text: ({ features }) => list(features.map(featureText)) },
    { title: m.models_fact_quality(), text: ({ quality }) => list(quality.map(({ name, value, source }) => `${name} ${value} (${source})`)) },
    { title: m.models_fact_latency(), text: ({ last_30d }) => time(last_30d?.p50_us), value: ({ last_30d }) => last_30d?.p50_us ?? null, better: -1 },
    { title: m.models_fact_latency_p95(), text: ({ last_30d }) => time(last_30d?.p95_us), value: ({ last_30d }) => last_30d?.p95_us ?? null, better: -1 },
    { title: m.models_fact_use(), text: ({ last_30d }) => (last_30d === null ? unknown : count(last_30d.requests)) },
    { title: m.models_fact_cost(), text: ({ last_30d }) => (last_30d === null || last_30d.requests === 0 ? unknown : costText(last_30d.cost)) },
    { title: m.models_fact_knowledge(), text: ({ knowledge }) => date(knowledge) },
    { title: m.models_fact_released(), text: ({ released }) => date(released) },
    { title: m.models_fact_shuts_down(), text: ({ shuts_down }) => date(shuts_down) },
    { title: m.models_fact_weights(), text: ({ open_weights }) => (open_weights === null ? unknown : open_weights ? m.models_weights_open() : m.models_weights_closed()) },
    { title: m.models_fact_status(), text: ({ status }) => statusText(status) },
  ];
}

function mixOfDetail({ blend }: CatalogDetail) {
  return { inputPercent: blend.input_percent, isOwn: blend.is_own };
}

/** The positions of the best; empty where fewer than two are known or all are equal. */
export function bestOf(
  { value, better }: CompareLine,
  details: readonly (CatalogDetail | undefined)[],
): Set<number> {
  if (value === undefined || better === undefined) return new Set();
  const values = details.map((detail) => (detail === undefined ? null : value(detail)));
  const known = values.filter((one) => one !== null);
  const best = better === 1 ? Math.max(...known) : Math.min(...known);
  if (known.length < 2 || known.every((one) => one === best)) return new Set();
  return new Set(values.flatMap((one, index) => (one === best ? [index] : [])));
}
