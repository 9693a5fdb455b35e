/** Units as choices: who a key belongs to, and which project it works for. */
import type { OrganizationTree, UnitRef } from "$lib/api";
import { compareText } from "$lib/format";
import { m } from "$lib/i18n";

export interface OwnerOption {
  value: string;
  label: string;
  group?: string;
}

const kinds = ["team", "member", "app", "department"] as const;
const names = { team: m.unit_team, member: m.unit_member, app: m.unit_app, department: m.unit_department };

/** Who a key can belong to; the organisation itself first. */
export function ownerOptions(tree: OrganizationTree | undefined): OwnerOption[] {
  const units = (tree?.units ?? []).filter((unit) => unit.archived_at === null);
  return [
    { value: "", label: tree?.organization.name || m.scope_organization_whole() },
    ...kinds.flatMap((kind) =>
      units
        .filter((unit) => unit.kind === kind)
        .sort((left, right) => compareText(left.name, right.name))
        .map((unit) => ({ value: unit.id, label: unit.name, group: names[kind]() })),
    ),
  ];
}

/** Which project a key can work for; none first. */
export function projectOptions(tree: OrganizationTree | undefined): OwnerOption[] {
  const projects = (tree?.units ?? []).filter(
    ({ kind, archived_at }) => kind === "project" && archived_at === null,
  );
  return [
    { value: "", label: m.key_project_none() },
    ...projects
      .sort((left, right) => compareText(left.name, right.name))
      .map((unit) => ({ value: unit.id, label: unit.name })),
  ];
}

/** Whom something belongs to, in short: the nearest, with what it is in. */
export function ownerText(chain: readonly UnitRef[]): string {
  const [nearest, next] = chain;
  if (nearest === undefined) return "";
  return nearest.kind === "team" || next === undefined ? nearest.name : `${nearest.name}, ${next.name}`;
}
