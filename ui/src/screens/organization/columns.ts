import { costText } from "$lib/cost";
import { unitKindText } from "$lib/features/budget/words";
import { count, moment } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";
import type { Flag, Line } from "./units";

/** What somebody should look at, in short and in full. */
export function flagText(flag: Flag): { text: string; hint: string } {
  const texts: Record<Flag, { text: string; hint: string }> = {
    inactive: { text: m.unit_flag_inactive(), hint: m.unit_flag_inactive_hint() },
    unused_keys: { text: m.unit_flag_unused_keys(), hint: m.unit_flag_unused_keys_hint() },
    no_keys: { text: m.unit_flag_no_keys(), hint: m.unit_flag_no_keys_hint() },
  };
  return texts[flag];
}

/** What a line is. */
export function kindText(kind: Line["kind"]): string {
  if (kind === "organization") return m.scope_organization();
  return kind === "projects" ? m.organization_projects() : unitKindText(kind);
}

/** The columns of the tree; `barHint` says what the bars stand for. */
export function unitColumns(barHint: string): readonly Column<Line>[] {
  const figure = (line: Line, value: number) => (line.kind === "projects" ? "" : count(value));
  // biome-ignore format: one line per column
  return [
    { id: "name", title: m.organization_column_name(), width: 210, grows: true, text: ({ name }) => name },
    { id: "bar", title: m.organization_column_bar(), hint: barHint, width: 170, grows: true, priority: 2, text: () => "" },
    { id: "cost", title: m.organization_column_cost(), hint: m.organization_column_cost_hint(), width: 104, isNumeric: true, priority: 1, text: ({ cost }) => (cost === null ? "" : costText(cost)) },
    { id: "requests", title: m.organization_column_requests(), hint: m.organization_column_requests_hint(), width: 88, isNumeric: true, priority: 5, text: (line) => figure(line, line.requests) },
    { id: "keys", title: m.organization_column_keys(), width: 56, isNumeric: true, priority: 6, text: (line) => figure(line, line.keys) },
    { id: "last_used", title: m.organization_column_last_used(), width: 108, priority: 4, text: (line) => (line.unit === null ? "" : line.lastUsedAt === null ? m.unit_never_used() : moment(line.lastUsedAt)) },
    { id: "flags", title: m.organization_column_flags(), width: 104, priority: 3, text: ({ flags }) => flags.map((flag) => flagText(flag).text).join(", ") },
  ];
}
