import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function tokensOf(theme: "light" | "dark"): Record<string, string> {
  const start = css.indexOf(`[data-theme="${theme}"]`);
  const block = css.slice(css.indexOf("{", start), css.indexOf("}", start));
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((match) => [match[1], match[2]]),
  );
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((left, right) => right - left);
  return (high + 0.05) / (low + 0.05);
}

const surfaces = ["bg-0", "bg-1", "bg-2", "bg-3"];
const texts = ["fg-0", "fg-1", "fg-2", "accent", "ok", "warn", "bad", "info"];

describe.each(["light", "dark"] as const)("%s theme", (theme) => {
  const tokens = tokensOf(theme);
  const pair = (one: string, other: string) => contrast(tokens[one] ?? "#000000", tokens[other] ?? "#000000");

  it("names every colour", () => {
    for (const name of [...surfaces, ...texts, "line", "line-strong", "on-accent"])
      expect(tokens[name]).toBeDefined();
    for (let index = 1; index <= 8; index += 1) expect(tokens[`chart-${index}`]).toBeDefined();
  });

  it.each(texts)("keeps %s readable on every surface", (text) => {
    for (const surface of surfaces) expect(pair(text, surface)).toBeGreaterThanOrEqual(4.5);
  });

  it("keeps the text on the accent readable", () => {
    expect(pair("on-accent", "accent")).toBeGreaterThanOrEqual(4.5);
  });

  it("keeps the edges of controls visible on every surface", () => {
    for (const surface of surfaces) expect(pair("line-strong", surface)).toBeGreaterThanOrEqual(3);
  });

  it("keeps chart colours visible on cards", () => {
    for (let index = 1; index <= 8; index += 1)
      expect(pair(`chart-${index}`, "bg-1")).toBeGreaterThanOrEqual(3);
  });
});
