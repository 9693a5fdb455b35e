/** What a run is going to cost, roughly, before anything is asked. */
import type { Model } from "$lib/api";

/** The answer of a model, in tokens, where nothing is known of it: from a short one to a long one. */
const outputs = { low: 150, high: 1_200 };
/** Recorded prompts cannot be seen before the run; these are their usual sizes. */
const inputs = { low: 200, high: 3_000 };
const charactersPerToken = 4;

export interface Estimate {
  calls: number;
  /** In nano-USD; null where a candidate has no price. */
  range: { low: string; high: string } | null;
}

/** Nano-USD per token of each candidate; null where one has no price. */
function pricesOf(
  models: readonly Model[],
  candidates: readonly string[],
): { input: number; output: number }[] | null {
  const prices = candidates.map((name) => {
    const deployment = models.find((model) => model.name === name)?.deployments[0];
    if (deployment?.is_free) return { input: 0, output: 0 };
    const rates = deployment?.price?.rates;
    return rates === undefined
      ? null
      : { input: Number(rates.input ?? 0) * 1_000, output: Number(rates.output ?? 0) * 1_000 };
  });
  return prices.every((price) => price !== null) ? prices : null;
}

/** For pasted prompts their own length counts; for recorded ones only how many there are. */
export function estimateOf(
  models: readonly Model[],
  candidates: readonly string[],
  prompts: readonly string[] | number,
): Estimate {
  const count = typeof prompts === "number" ? prompts : prompts.length;
  const calls = count * candidates.length;
  const prices = pricesOf(models, candidates);
  if (prices === null) return { calls, range: null };
  const own =
    typeof prompts === "number"
      ? null
      : prompts.reduce((sum, text) => sum + text.length, 0) / charactersPerToken;
  const total = (input: number, output: number) =>
    String(
      Math.round(
        prices.reduce(
          (sum, price) => sum + price.input * (own ?? input * count) + price.output * output * count,
          0,
        ),
      ),
    );
  return { calls, range: { low: total(inputs.low, outputs.low), high: total(inputs.high, outputs.high) } };
}

/** Prompts from a text in which an empty line parts two. */
export function promptsIn(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((prompt) => prompt.trim())
    .filter((prompt) => prompt !== "");
}
