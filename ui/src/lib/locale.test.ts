import { expect, it } from "vitest";
import { firstUsableLocale, isUsableLocale } from "./locale";

it("refuses the C locale, on which Intl throws", () => {
  expect(isUsableLocale("C")).toBe(false);
  expect(isUsableLocale("")).toBe(false);
  expect(isUsableLocale("de-DE")).toBe(true);
});

it("falls back to English when nothing is usable", () => {
  expect(firstUsableLocale(["C", undefined, "POSIX!"])).toBe("en-US");
  expect(firstUsableLocale(["C", "de-AT"])).toBe("de-AT");
});
