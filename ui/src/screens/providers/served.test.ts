import { expect, it } from "vitest";
import { servedBy } from "./served";

const listed = (id: string, is_known: boolean) => ({
  id,
  name: null,
  is_known,
  is_adopted: false,
  context: null,
  max_output: null,
});
const discovery = {
  at: "2026-11-22T10:00:00Z",
  models: [listed("a", true), listed("b", false), listed("c", true)],
};

it("tells what the list has, what it lacks, and what is added beyond it", () => {
  const served = servedBy(discovery, [{ id: "a" }, { id: "c" }, { id: "gone" }], new Set(["a", "renamed"]));
  expect(served).toEqual({
    more: ["b", "c"],
    unknown: new Set(["b"]),
    listed: 3,
    known: 2,
    ownAbsent: ["renamed"],
    catalogueOnly: ["gone"],
  });
});

it("offers the catalogue's models where there is no list", () => {
  expect(servedBy(null, [{ id: "a" }, { id: "b" }], new Set(["a"])).more).toEqual(["b"]);
});
