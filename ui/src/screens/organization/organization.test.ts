import { expect, it } from "vitest";
import type { ImportRow, OrganizationTree, Unit } from "$lib/api";
import { isCsv, previewRows, reportText } from "./import";
import { childKinds, flagsOf, type Line, linesOf, mayMove, mostMoney, within } from "./units";

const now = new Date("2026-11-22T12:00:00Z");
const unit = (
  id: string,
  kind: Unit["kind"],
  parent: string | null = null,
  change: Partial<Unit> = {},
): Unit => ({
  id,
  kind,
  name: id,
  parent,
  email: null,
  created_at: "2026-01-01T00:00:00Z",
  archived_at: null,
  keys: 1,
  last_used_at: "2026-11-22T11:00:00Z",
  requests: 0,
  cost: { state: "exact", amount: "0" },
  budget: null,
  ...change,
});
const tree: OrganizationTree = {
  organization: {
    id: "org",
    name: "Northwind",
    keys: 0,
    requests: 0,
    cost: { state: "exact", amount: "5000000000" },
    budget: null,
  },
  units: [
    unit("product", "department"),
    unit("search", "team", "product"),
    unit("mobile", "team", "product"),
    unit("ada", "member", "search"),
    unit("indexer", "app", "search"),
    unit("atlas", "project"),
    unit("print", "team", "product", { archived_at: "2026-10-01T00:00:00Z" }),
  ],
};
const lines = (withArchived = false) => linesOf(tree, withArchived, now);
const line = (id: string): Line => {
  const found = lines(true).find((one) => one.id === id)?.item;
  if (!found) throw new Error(id);
  return found;
};

it("puts everything below the organisation, projects beside it, and archived ones aside", () => {
  expect(lines().map(({ id, parent }) => [id, parent])).toEqual([
    ["org", null],
    ["product", "org"],
    ["mobile", "product"],
    ["search", "product"],
    ["ada", "search"],
    ["indexer", "search"],
    ["projects", null],
    ["atlas", "projects"],
  ]);
  expect(lines(true).map(({ id }) => id)).toContain("print");
});

it("moves people between teams and nothing into itself", () => {
  expect(mayMove(line("ada"), line("mobile"), ["mobile", "product", "org"])).toBe(true);
  expect(mayMove(line("ada"), line("search"), ["search", "product", "org"])).toBe(false);
  expect(mayMove(line("ada"), line("product"), ["product", "org"])).toBe(false);
  expect(mayMove(line("ada"), line("print"), ["print", "product", "org"])).toBe(false);
  expect(mayMove(line("product"), line("product"), ["product", "org"])).toBe(false);
  expect(mayMove(line("atlas"), line("org"), ["org"])).toBe(false);
  expect(childKinds("team")).toEqual(["member", "app"]);
});

it("flags people and apps that nobody uses, once they had time to begin", () => {
  const idle = { last_used_at: "2026-09-01T00:00:00Z" };
  expect(flagsOf(unit("a", "member", null, { ...idle, keys: 0 }), now)).toEqual(["inactive"]);
  expect(flagsOf(unit("a", "app", null, idle), now)).toEqual(["unused_keys"]);
  expect(
    flagsOf(unit("a", "member", null, { last_used_at: null, created_at: "2026-11-20T00:00:00Z" }), now),
  ).toEqual([]);
  expect(flagsOf(unit("a", "team", null, idle), now)).toEqual([]);
});

it("finds everything inside a part, and the largest amount for the one scale", () => {
  expect(within(lines(), "search").map(({ id }) => id)).toEqual(["search", "ada", "indexer"]);
  expect(mostMoney(lines().map(({ item }) => item))).toBe(5);
});

const row = (lineNumber: number, action: ImportRow["action"]): ImportRow => ({
  line: lineNumber,
  name: "Ada",
  email: null,
  team: null,
  department: null,
  action,
  detail: null,
});

it("previews a list of people with what is wrong on top", () => {
  const rows = [row(2, "keep"), row(3, "create"), row(4, "error"), row(5, "create")];
  expect(previewRows(rows).map(({ line: number }) => number)).toEqual([4, 3, 5, 2]);
  expect(reportText({ errors: 1, members: 2, teams: 0, departments: 0, rows })).toContain("1 line is wrong");
  expect(reportText({ errors: 0, members: 2, teams: 1, departments: 0, rows: [row(2, "change")] })).toBe(
    "This makes 2 members, 1 team, 1 change.",
  );
  expect(reportText({ errors: 0, members: 0, teams: 0, departments: 0, rows: [row(2, "keep")] })).toBe(
    "Everything in this list is so already.",
  );
  expect(isCsv({ name: "people.CSV", type: "" })).toBe(true);
  expect(isCsv({ name: "photo.png", type: "image/png" })).toBe(false);
});
