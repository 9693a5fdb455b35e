import { expect, it } from "vitest";
import { matching, type PaletteItem, score } from "./palette";

const item = (id: string, title: string, kind: PaletteItem["kind"] = "action"): PaletteItem => ({
  id,
  title,
  kind,
  group: kind,
  run: () => {},
});

it("finds words in any order and prefers beginnings", () => {
  expect(score("Pause the proxy", ["pro", "pau"])).toBeGreaterThan(0);
  expect(score("Pause the proxy", ["pause"])).toBeGreaterThan(score("Unpause", ["pause"]));
  expect(score("Pause the proxy", ["pause", "key"])).toBe(0);
});

it("narrows to actions or models by the first sign", () => {
  const items = [item("a", "Open gpt"), item("b", "Requests to gpt-5", "model")];
  expect(matching(items, "#gpt").map(({ id }) => id)).toEqual(["b"]);
  expect(matching(items, "> gpt").map(({ id }) => id)).toEqual(["a"]);
});

it("shows ten at most, in the order offered when nothing is typed", () => {
  const items = Array.from({ length: 30 }, (_, index) => item(String(index), `Item ${index}`));
  expect(matching(items, "").map(({ id }) => Number(id))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(matching(items, "item")).toHaveLength(10);
});
