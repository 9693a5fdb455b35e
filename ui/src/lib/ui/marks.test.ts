import { expect, it } from "vitest";
import { Marks } from "./marks.svelte";

const of = (rows: string[]) =>
  new Marks(
    () => rows,
    (index) => rows[index] ?? "",
  );

it("marks a range from the row touched last", () => {
  const marks = of(["a", "b", "c", "d", "e"]);
  marks.toggle(1, false);
  marks.toggle(3, true);
  expect([...marks.ids]).toEqual(["b", "c", "d"]);
  marks.toggle(2, false);
  marks.toggle(1, true);
  expect([...marks.ids]).toEqual(["d"]);
});

it("marks all that are at hand and keeps those that are not", () => {
  const rows = ["a", "b"];
  const marks = of(rows);
  marks.ids.add("elsewhere");
  marks.toggleAll();
  expect(marks.marking.all).toBe("all");
  expect(marks.ids.size).toBe(3);
  marks.toggle(0, false);
  expect(marks.marking.all).toBe("some");
  marks.toggleAll();
  marks.toggleAll();
  expect([...marks.ids]).toEqual(["elsewhere"]);
});
