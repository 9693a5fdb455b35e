import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import TreeTable from "./TreeTable.svelte";
import { ancestorsOf, parentIndex, type TreeNode, treeRows, typeahead } from "./tree";

const node = (id: string, parent: string | null = null): TreeNode<string> => ({
  id,
  parent,
  name: id,
  item: id,
});
const nodes = [
  node("org"),
  node("product", "org"),
  node("search", "product"),
  node("ada", "search"),
  node("ben", "search"),
  node("sales", "org"),
];
const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

it("shows what is below only where it is open", () => {
  expect(ids(treeRows(nodes, new Set()))).toEqual(["org"]);
  const rows = treeRows(nodes, new Set(["org", "product"]));
  expect(rows.map(({ id, level, hasChildren, isExpanded }) => [id, level, hasChildren, isExpanded])).toEqual([
    ["org", 1, true, true],
    ["product", 2, true, true],
    ["search", 3, true, false],
    ["sales", 2, false, false],
  ]);
  expect(rows[3]).toMatchObject({ position: 2, siblings: 2 });
});

it("keeps what matches with everything it is in, opened", () => {
  expect(ids(treeRows(nodes, new Set(), ({ name }) => name === "ben"))).toEqual([
    "org",
    "product",
    "search",
    "ben",
  ]);
  expect(treeRows(nodes, new Set(), () => false)).toEqual([]);
});

it("goes to a name by its letters, round the end, and on with a repeated letter", () => {
  const rows = treeRows(nodes, new Set(["org", "product", "search"]));
  expect(ids(rows)).toEqual(["org", "product", "search", "ada", "ben", "sales"]);
  expect(typeahead(rows, 2, "s")).toBe(5);
  expect(typeahead(rows, 5, "s")).toBe(2);
  expect(typeahead(rows, 2, "sa")).toBe(5);
  expect(typeahead(rows, 0, "x")).toBe(-1);
});

it("knows what a row is in", () => {
  expect(ancestorsOf(nodes, "ada")).toEqual(["ada", "search", "product", "org"]);
  expect(parentIndex(treeRows(nodes, new Set(["org", "product"])), 2)).toBe(1);
});

it("ends where a tree goes round in a circle", () => {
  expect(ancestorsOf([node("a", "b"), node("b", "a")], "a")).toEqual(["a", "b"]);
});

it("renders only what is visible of thousands, with the roles of a tree", async () => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(280);
  const many = [node("org"), ...Array.from({ length: 5_000 }, (_, index) => node(`member ${index}`, "org"))];
  const rows = treeRows(many, new Set(["org"]));
  const onselect = vi.fn();
  const onexpand = vi.fn();
  render(TreeTable, {
    label: "Organisation",
    columns: [{ id: "name", title: "Name", width: 100, text: (item: unknown) => String(item) }],
    rows,
    selected: 0,
    onselect,
    onexpand,
    onopen: () => {},
  });
  const grid = screen.getByRole("treegrid", { name: "Organisation" });
  expect(grid.getAttribute("aria-rowcount")).toBe("5002");
  expect(screen.getAllByRole("row").length).toBeLessThan(40);
  expect(screen.getAllByRole("row")[1]?.getAttribute("aria-expanded")).toBe("true");
  grid.focus();
  await userEvent.keyboard("{ArrowDown}");
  expect(onselect).toHaveBeenLastCalledWith(1);
  await userEvent.keyboard("{End}");
  expect(onselect).toHaveBeenLastCalledWith(5_000);
  await userEvent.keyboard("{ArrowLeft}");
  expect(onexpand).toHaveBeenLastCalledWith("org", false);
});
