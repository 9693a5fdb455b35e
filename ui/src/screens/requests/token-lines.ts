/** The kinds of tokens of an attempt that were told, each with its rate. */
import type { Attempt } from "$lib/api";
import { m } from "$lib/i18n";

export interface TokenLine {
  name: string;
  title: string;
  tokens: number;
  /** Decimal US dollars per million; null where the price has none. */
  rate: string | null;
}

/** The kinds in the order of the journey: input first. Kinds nobody told are left out. */
export function tokenLines({ usage, price }: Attempt): TokenLine[] {
  const rates = price?.rates;
  const lines: [string, string, number | null, string | null | undefined][] = [
    ["input", m.requests_token_input(), usage.input, rates?.input],
    ["cached_read", m.requests_token_cached_read(), usage.cached_read, rates?.cached_read ?? rates?.input],
    ["cache_write", m.requests_token_cache_write(), usage.cache_write, rates?.cache_write ?? rates?.input],
    ["output", m.requests_token_output(), usage.output, rates?.output],
    ["reasoning", m.requests_token_reasoning(), usage.reasoning, rates?.reasoning ?? rates?.output],
    ["audio_input", m.requests_token_audio_input(), usage.audio_input, rates?.audio_input ?? rates?.input],
    [
      "audio_output",
      m.requests_token_audio_output(),
      usage.audio_output,
      rates?.audio_output ?? rates?.output,
    ],
  ];
  return lines.flatMap(([name, title, tokens, rate]) =>
    tokens === null ? [] : [{ name, title, tokens, rate: rate ?? null }],
  );
}
