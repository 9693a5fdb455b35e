/** What the palette offers and how it matches. */

export interface PaletteItem {
  id: string;
  title: string;
  /** The name of the kind, shown at the right. */
  group: string;
  kind: "action" | "screen" | "unit" | "budget" | "policy" | "model" | "key";
  shortcut?: string | undefined;
  run: () => void;
}

const shown = 10;
const prefixes: Record<string, PaletteItem["kind"]> = { ">": "action", "@": "unit", "#": "model" };

/** How well a title matches: higher is better, 0 not at all. Every word must begin somewhere in it. */
export function score(title: string, words: readonly string[]): number {
  const lower = title.toLowerCase();
  let total = 0;
  for (const word of words) {
    const at = lower.indexOf(word);
    if (at < 0) return 0;
    const isStart = at === 0 || /[\s/.:-]/.test(lower[at - 1] ?? "");
    total += (isStart ? 20 : 5) + (at === 0 ? 10 : 0) + (lower === word ? 30 : 0);
  }
  return total;
}

/** The ten best matches; equal ones keep the order they were offered in. */
export function matching(items: readonly PaletteItem[], text: string): PaletteItem[] {
  const kind = prefixes[text.trim()[0] ?? ""];
  const words = text
    .toLowerCase()
    .replace(/^\s*[>@#]/, "")
    .split(/\s+/)
    .filter(Boolean);
  const candidates = kind ? items.filter((item) => item.kind === kind) : items;
  if (words.length === 0) return candidates.slice(0, shown);
  return candidates
    .map((item) => ({ item, points: score(item.title, words) }))
    .filter(({ points }) => points > 0)
    .sort((left, right) => right.points - left.points)
    .slice(0, shown)
    .map(({ item }) => item);
}
