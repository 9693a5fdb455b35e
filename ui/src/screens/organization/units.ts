/** The organisation as the rows of a tree: what is in what, sums, flags and where things may go. */
import type { BudgetBrief, Cost, OrganizationTree, Unit, UnitKind } from "$lib/api";
import { compareText, moneyForChart } from "$lib/format";
import type { TreeNode } from "$lib/ui/tree";

/** A line of the tree: the organisation itself, a unit, or the heading of the projects. */
export interface Line {
  id: string;
  kind: "organization" | "projects" | UnitKind;
  name: string;
  parent: string | null;
  unit: Unit | null;
  keys: number;
  requests: number;
  cost: Cost | null;
  lastUsedAt: string | null;
  isArchived: boolean;
  budget: BudgetBrief | null;
  flags: readonly Flag[];
}

export type Flag = "inactive" | "unused_keys" | "no_keys";

export const projectsId = "projects";
/** A person without a request for this long is inactive. */
const inactiveAfter = 30 * 86_400_000;

const order: Record<Line["kind"], number> = {
  organization: 0,
  department: 1,
  team: 2,
  member: 3,
  app: 4,
  projects: 5,
  project: 6,
};

/** What somebody should look at. New units get time to be used first. */
export function flagsOf(
  unit: Pick<Unit, "kind" | "keys" | "created_at" | "last_used_at" | "archived_at">,
  now: Date,
): Flag[] {
  if (unit.archived_at !== null || (unit.kind !== "member" && unit.kind !== "app")) return [];
  const isNew = now.getTime() - Date.parse(unit.created_at) < inactiveAfter;
  const isIdle = unit.last_used_at === null || now.getTime() - Date.parse(unit.last_used_at) > inactiveAfter;
  if (!isIdle || isNew) return [];
  return unit.keys > 0 ? ["unused_keys"] : ["inactive"];
}

function lineOf(unit: Unit, parent: string, now: Date): Line {
  return {
    id: unit.id,
    kind: unit.kind,
    name: unit.name,
    parent,
    unit,
    keys: unit.keys,
    requests: unit.requests,
    cost: unit.cost,
    lastUsedAt: unit.last_used_at,
    isArchived: unit.archived_at !== null,
    budget: unit.budget,
    flags: flagsOf(unit, now),
  };
}

/** The lines of the tree; archived ones only where they are wanted. */
export function linesOf(
  tree: OrganizationTree,
  withArchived: boolean,
  now: Date = new Date(),
): TreeNode<Line>[] {
  const { organization } = tree;
  const units = tree.units.filter((unit) => withArchived || unit.archived_at === null);
  const top: Line = {
    ...organization,
    kind: "organization",
    parent: null,
    unit: null,
    lastUsedAt: null,
    isArchived: false,
    flags: [],
  };
  const lines = units.map((unit) =>
    lineOf(unit, unit.kind === "project" ? projectsId : (unit.parent ?? organization.id), now),
  );
  const heading: Line = {
    id: projectsId,
    kind: "projects",
    name: "",
    parent: null,
    unit: null,
    keys: 0,
    requests: 0,
    cost: null,
    lastUsedAt: null,
    isArchived: false,
    budget: null,
    flags: [],
  };
  const hasProjects = lines.some(({ kind }) => kind === "project");
  const all = [top, ...lines, ...(hasProjects ? [heading] : [])];
  return all
    .sort((left, right) => order[left.kind] - order[right.kind] || compareText(left.name, right.name))
    .map((line) => ({ id: line.id, parent: line.parent, name: line.name, item: line }));
}

/** What may hold a unit, by what it is; the server has the last word. */
const homes: Record<UnitKind, readonly Line["kind"][]> = {
  department: ["organization", "department"],
  team: ["organization", "department"],
  project: ["projects"],
  member: ["organization", "team"],
  app: ["organization", "team", "member"],
};

/** Whether a line may be put into another; not into itself, what it is in already, or a part of itself. */
export function mayMove(line: Line, target: Line, ancestorsOfTarget: readonly string[]): boolean {
  if (
    line.unit === null ||
    line.kind === "organization" ||
    line.kind === "projects" ||
    line.kind === "project"
  )
    return false;
  if (line.parent === target.id || target.isArchived || ancestorsOfTarget.includes(line.id)) return false;
  return homes[line.kind].includes(target.kind);
}

/** The kinds of unit that a line can hold. */
export function childKinds(kind: Line["kind"]): UnitKind[] {
  if (kind === "organization") return ["department", "team", "member", "app", "project"];
  return (Object.keys(homes) as UnitKind[]).filter((child) => homes[child].includes(kind));
}

/** The most that a bar of money stands for, so that all share one scale. */
export function mostMoney(lines: readonly Line[]): number {
  return lines.reduce((most, { cost, budget }) => {
    const spent = cost === null ? 0 : moneyForChart(cost.amount);
    if (budget === null || budget.measure !== "cost") return Math.max(most, spent);
    const { limit, used, forecast } = budget.state;
    const figures = [limit, used, forecast?.at_end ?? "0"].map(moneyForChart);
    return Math.max(most, spent, ...figures);
  }, 0);
}

/** Everything below a unit, itself too. */
export function within(nodes: readonly TreeNode<Line>[], id: string): Line[] {
  const wanted = new Set([id]);
  // Parents may stand after their children in the list, so look until nothing is added.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const node of nodes) if (node.parent !== null && wanted.has(node.parent)) wanted.add(node.id);
  }
  return nodes.filter(({ id: one }) => wanted.has(one)).map(({ item }) => item);
}
