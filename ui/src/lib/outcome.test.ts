import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sentenceOf } from "./outcome";

it("has a sentence for every code of the domain", () => {
  const source = readFileSync("../crates/domain/src/code.rs", "utf8");
  const codes = [...source.matchAll(/^ {4}\w+ = "([\w.]+)",/gm)].map((match) => match[1] ?? "");
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => sentenceOf(code) === sentenceOf("none.such"))).toEqual([]);
});
