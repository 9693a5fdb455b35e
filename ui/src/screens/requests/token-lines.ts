/** What an attempt consumed and was told of: kinds of tokens and other units, each with its rate. */
import type { AppliedPrice, Attempt, Rates, Tier, Usage } from "$lib/api";
import { serviceText, unitText } from "$lib/features/model/words";
import { count, duration } from "$lib/format";
import { m } from "$lib/i18n";

export interface TokenLine {
  name: string;
  title: string;
  tokens: number;
  /** Decimal US dollars per million; null where the price has none. */
  rate: string | null;
}

export interface UnitLine {
  name: string;
  title: string;
  amount: string;
  /** In the unit people think in; null where it is not charged. */
  rate: string | null;
}

/**
 * The tier whose rates were charged, by the rule of the ledger: the call's own class of service first,
 * then the highest threshold passed. Undefined where the standard rates were.
 */
export function tierOf({ tiers }: AppliedPrice, usage: Usage): Tier | undefined {
  const passed = ({ above_input_tokens: above }: Tier) =>
    (above ?? null) === null || (usage.total_input ?? 0) > (above ?? 0);
  const best = (service: Tier["service"]) =>
    tiers
      .filter((tier) => (tier.service ?? null) === (service ?? null) && passed(tier))
      .reduce<Tier | undefined>(
        (most, tier) => ((tier.above_input_tokens ?? -1) > (most?.above_input_tokens ?? -2) ? tier : most),
        undefined,
      );
  return (usage.service_tier ? best(usage.service_tier) : undefined) ?? best(null);
}

function ratesOf({ usage, price }: Attempt): Rates | undefined {
  return price ? (tierOf(price, usage)?.rates ?? price.rates) : undefined;
}

/** The kinds of tokens in the order of the journey: input first. Kinds nobody told are left out. */
export function tokenLines(attempt: Attempt): TokenLine[] {
  const { usage } = attempt;
  const rates = ratesOf(attempt);
  const cacheWrite = rates?.cache_write ?? rates?.input;
  const lines: [string, string, number | null, string | null | undefined][] = [
    ["input", m.requests_token_input(), usage.input, rates?.input],
    ["cached_read", m.requests_token_cached_read(), usage.cached_read, rates?.cached_read ?? rates?.input],
    ["cache_write", m.requests_token_cache_write(), usage.cache_write, cacheWrite],
    [
      "cache_write_1h",
      m.requests_token_cache_write_1h(),
      usage.cache_write_1h,
      rates?.cache_write_1h ?? cacheWrite,
    ],
    ["audio_input", m.requests_token_audio_input(), usage.audio_input, rates?.audio_input ?? rates?.input],
    ["image_input", m.requests_token_image_input(), usage.image_input, rates?.image_input ?? rates?.input],
    ["output", m.requests_token_output(), usage.output, rates?.output],
    ["reasoning", m.requests_token_reasoning(), usage.reasoning, rates?.reasoning ?? rates?.output],
    [
      "audio_output",
      m.requests_token_audio_output(),
      usage.audio_output,
      rates?.audio_output ?? rates?.output,
    ],
    [
      "image_output",
      m.requests_token_image_output(),
      usage.image_output,
      rates?.image_output ?? rates?.output,
    ],
  ];
  return lines.flatMap(([name, title, tokens, rate]) =>
    tokens === null ? [] : [{ name, title, tokens, rate: rate ?? null }],
  );
}

/** What is no token: images, time, characters, searches, and the call itself where it has a price. */
export function unitLines(attempt: Attempt): UnitLine[] {
  const { usage } = attempt;
  const rates = ratesOf(attempt);
  const lines: [
    "image" | "audio_ms" | "character" | "search" | "request",
    string,
    number | null,
    (value: number) => string,
  ][] = [
    ["image", m.requests_unit_images(), usage.images, count],
    ["audio_ms", m.requests_unit_audio(), usage.audio_ms, (value) => duration(value * 1_000)],
    ["character", m.requests_unit_characters(), usage.characters, count],
    ["search", m.requests_unit_searches(), usage.searches, count],
    ["request", m.requests_unit_requests(), rates?.request ? 1 : null, count],
  ];
  return lines.flatMap(([name, title, amount, format]) => {
    if (amount === null) return [];
    const rate = rates?.[name];
    return [{ name, title, amount: format(amount), rate: rate ? unitText(name, rate) : null }];
  });
}

/** Which tier was charged, in words; null for the standard rates. */
export function tierText({ usage, price }: Attempt): string | null {
  const tier = price ? tierOf(price, usage) : undefined;
  if (tier === undefined) return null;
  const tokens = tier.above_input_tokens ?? null;
  if (tokens === null) return serviceText(tier.service);
  const above = { tokens: count(tokens) };
  return tier.service
    ? m.models_price_tier({ service: serviceText(tier.service), ...above })
    : m.models_price_above(above);
}
