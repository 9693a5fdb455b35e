import type { Mix } from "$lib/features/model/catalogue";
import { m } from "$lib/i18n";

/** How a blended price is made, in words. */
export function mixText({ inputPercent, isOwn }: Mix): string {
  const parts = { input: inputPercent, output: 100 - inputPercent };
  return isOwn ? m.models_mix_own(parts) : m.models_mix_assumed(parts);
}
