/** What a rule can be made of, as the page fetched it. */
import type { Names } from "./words";

export interface Choices extends Names {
  /** Units and keys: `unit:ID`, `key:ID`. */
  who: readonly { value: string; label: string; group: string }[];
  models: readonly string[];
  providers: readonly string[];
  regions: readonly string[];
  families: readonly { value: string; label: string }[];
  needs: readonly { value: string; label: string }[];
}

/** Names from a line with commas. */
export function namesIn(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** A whole number as typed; null for none, undefined for no number. */
export function wholeIn(text: string, most = 9_999_999_999): number | null | undefined {
  const plain = text.trim().replaceAll(/[\s.,']/g, "");
  if (plain === "") return null;
  const value = Number(plain);
  return /^\d+$/.test(plain) && value <= most ? value : undefined;
}

/** A decimal number as typed, times a factor and rounded; null for none, undefined for no number. */
export function decimalIn(text: string, factor: number): number | null | undefined {
  const plain = text.trim().replace(",", ".");
  if (plain === "") return null;
  return /^\d+(\.\d+)?$/.test(plain) ? Math.round(Number(plain) * factor) : undefined;
}

/** A price per million as the API writes it; null for none, undefined for no price. */
export function priceIn(text: string): string | null | undefined {
  const plain = text.trim().replace(/^\$/, "").replace(",", ".");
  if (plain === "") return null;
  return /^\d{1,9}(\.\d{1,9})?$/.test(plain) ? plain : undefined;
}
