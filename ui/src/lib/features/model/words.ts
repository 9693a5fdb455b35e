import type {
  CatalogMode,
  CatalogModel,
  CatalogStanding,
  Feature,
  Glance,
  Modality,
  PricedUnit,
  Rates,
  ServiceTier,
} from "$lib/api";
import { priceOf, rate } from "$lib/format";
import { m } from "$lib/i18n";

/** The words for a name; the name itself where a newer server knows one that this window does not. */
function named(texts: Readonly<Record<string, () => string>>, name: string): string {
  return texts[name]?.() ?? name;
}

/** What kind of work a model does. */
export function modeText(mode: string): string {
  const texts: Record<CatalogMode, () => string> = {
    chat: m.models_mode_chat,
    completion: m.models_mode_completion,
    embedding: m.models_mode_embedding,
    image: m.models_mode_image,
    speech: m.models_mode_speech,
    transcription: m.models_mode_transcription,
    moderation: m.models_mode_moderation,
    rerank: m.models_mode_rerank,
  };
  return named(texts, mode);
}

/** What a model can do, in a word or two. */
export function featureText(feature: string): string {
  const texts: Record<Feature, () => string> = {
    tools: m.models_can_tools,
    parallel_tools: m.models_can_parallel_tools,
    tool_choice: m.models_can_tool_choice,
    structured_output: m.models_can_structured_output,
    reasoning: m.models_can_reasoning,
    prompt_caching: m.models_can_prompt_caching,
    web_search: m.models_can_web_search,
    computer_use: m.models_can_computer_use,
    assistant_prefill: m.models_can_assistant_prefill,
    batch: m.models_can_batch,
    flex: m.models_can_flex,
    priority: m.models_can_priority,
  };
  return named(texts, feature);
}

/** What a model reads or makes. */
export function modalityText(modality: string): string {
  const texts: Record<Modality, () => string> = {
    text: m.models_modality_text,
    image: m.models_modality_image,
    audio: m.models_modality_audio,
    video: m.models_modality_video,
    pdf: m.models_modality_pdf,
  };
  return named(texts, modality);
}

/** Where a model is in its life. */
export function statusText(status: string): string {
  const texts: Record<CatalogStanding, () => string> = {
    current: m.models_status_current,
    preview: m.models_status_preview,
    deprecated: m.models_status_deprecated,
  };
  return named(texts, status);
}

/** The class of service of a tier; the standard one where it is null. */
export function serviceText(service: ServiceTier | null | undefined): string {
  const texts: Record<ServiceTier, () => string> = {
    batch: m.models_service_batch,
    flex: m.models_service_flex,
    priority: m.models_service_priority,
  };
  return service ? texts[service]() : m.models_service_standard();
}

/** A price per million units in the unit people think in: per image, minute, million characters, 1,000 searches. */
export function unitText(unit: PricedUnit, perMillion: string): string {
  switch (unit) {
    case "image":
      return m.models_per_image({ price: priceOf(perMillion, 1) });
    case "audio_ms":
      return m.models_per_minute({ price: priceOf(perMillion, 60_000) });
    case "character":
      return m.models_per_million_characters({ price: rate(perMillion) });
    case "search":
      return m.models_per_thousand_searches({ price: priceOf(perMillion, 1_000) });
    case "request":
      return m.models_per_request({ price: priceOf(perMillion, 1) });
  }
}

/** The price at a glance. */
export function glanceText(price: Glance | null): string {
  if (price === null) return m.model_price_unknown();
  const isPerToken = Number(price.input) > 0 || Number(price.output) > 0;
  if (!isPerToken && price.per_unit !== null) return unitText(price.per_unit.unit, price.per_unit.rate);
  if (!isPerToken) return m.model_price_free();
  if (Number(price.output) === 0) return m.models_price_input_only({ input: rate(price.input) });
  return m.model_price_per_million({ input: rate(price.input), output: rate(price.output) });
}

export interface RateLine {
  name: string;
  title: string;
  text: string;
}

/** The rates there are, in words and in the unit people think in. Text rates are left out where all are zero and units are charged. */
export function rateLines(rates: Rates): RateLine[] {
  const tokens: [keyof Rates, string][] = [
    ["input", m.requests_token_input()],
    ["cached_read", m.requests_token_cached_read()],
    ["cache_write", m.requests_token_cache_write()],
    ["cache_write_1h", m.requests_token_cache_write_1h()],
    ["output", m.requests_token_output()],
    ["reasoning", m.requests_token_reasoning()],
    ["audio_input", m.requests_token_audio_input()],
    ["audio_output", m.requests_token_audio_output()],
    ["image_input", m.requests_token_image_input()],
    ["image_output", m.requests_token_image_output()],
  ];
  const units: [PricedUnit, string][] = [
    ["image", m.requests_unit_images()],
    ["audio_ms", m.requests_unit_audio()],
    ["character", m.requests_unit_characters()],
    ["search", m.requests_unit_searches()],
    ["request", m.requests_unit_requests()],
  ];
  const perUnit = units.flatMap(([name, title]) => {
    const value = rates[name];
    return value ? [{ name, title, text: unitText(name, value) }] : [];
  });
  const perToken = tokens.flatMap(([name, title]) => {
    const value = rates[name];
    return value ? [{ name, title, text: m.models_per_million({ price: rate(value) }), value }] : [];
  });
  const isOnlyUnits = perUnit.length > 0 && perToken.every(({ value }) => Number(value) === 0);
  return [
    ...(isOnlyUnits ? [] : perToken.map(({ name, title, text }) => ({ name, title, text }))),
    ...perUnit,
  ];
}

/** Whole days until a date of the catalogue; negative when it is past. */
export function daysUntil(date: string, now: Date): number {
  return Math.ceil((Date.parse(`${date.slice(0, 10)}T00:00:00Z`) - now.getTime()) / 86_400_000);
}

/** A model that ends: deprecated, or with a date of its end. */
export function isRetiring(model: Pick<CatalogModel, "status" | "shuts_down">): boolean {
  return model.status === "deprecated" || model.shuts_down !== null;
}

/** What a figure of the catalogue is called; `price.cached_read` is the price of one class. */
export function figureText(figure: string): string {
  const texts: Record<string, () => string> = {
    price: m.models_fact_price,
    context: m.models_fact_context,
    max_output: m.models_fact_output,
    maker: m.models_fact_maker,
    knowledge: m.models_fact_knowledge,
    released: m.models_fact_released,
    shuts_down: m.models_fact_shuts_down,
    open_weights: m.models_fact_weights,
    status: m.models_fact_status,
    features: m.models_fact_can,
    modalities: m.models_fact_reads,
    name: m.models_column_name,
    replacement: m.models_replace_by,
    input: m.requests_token_input,
    cached_read: m.requests_token_cached_read,
    cache_write: m.requests_token_cache_write,
    cache_write_1h: m.requests_token_cache_write_1h,
    output: m.requests_token_output,
    reasoning: m.requests_token_reasoning,
  };
  const [first = "", ...rest] = figure.split(".");
  return [named(texts, first), ...rest.map((part) => named(texts, part))].join(": ");
}
