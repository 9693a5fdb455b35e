/** What a budget can be set on, as choices. */
import type { BudgetScope, Key, Model, OrganizationTree, Provider } from "$lib/api";
import { compareText } from "$lib/format";
import { m } from "$lib/i18n";
import { scopeKindText, unitKindText } from "./words";

export interface ScopeOption {
  value: string;
  label: string;
  hint?: string;
  group: string;
  scope: BudgetScope;
}

/** Everything there is to choose from; absent lists are left out. */
export interface Choices {
  tree: OrganizationTree | undefined;
  keys: readonly Key[] | undefined;
  providers: readonly Provider[] | undefined;
  models: readonly Model[] | undefined;
}

const plain = (kind: BudgetScope["kind"], id: string, name: string): BudgetScope => ({
  kind,
  id,
  name,
  value: null,
  unit_kind: null,
});

/** The name by which a choice is found again. */
export function scopeValue(scope: Pick<BudgetScope, "kind" | "id">): string {
  return scope.kind === "organization" ? "organization" : `${scope.kind}:${scope.id ?? ""}`;
}

/** The choices, grouped by what they are and by name within. Tags are typed, so they are not among them. */
export function scopeOptions({ tree, keys, providers, models }: Choices): ScopeOption[] {
  const byName = <T extends { name: string }>(all: readonly T[]) =>
    [...all].sort((left, right) => compareText(left.name, right.name));
  const names = new Map((tree?.units ?? []).map((unit) => [unit.id, unit.name]));
  const option = (scope: BudgetScope, hint?: string): ScopeOption => ({
    value: scopeValue(scope),
    label: scope.name,
    group: scopeKindText(scope),
    scope,
    ...(hint ? { hint } : {}),
  });
  const kinds = ["department", "team", "project", "member", "app"] as const;
  const inUse = (tree?.units ?? []).filter((unit) => unit.archived_at === null);
  return [
    option(
      plain(
        "organization",
        tree?.organization.id ?? "",
        tree?.organization.name || m.scope_organization_whole(),
      ),
    ),
    ...kinds.flatMap((kind) =>
      byName(inUse.filter((unit) => unit.kind === kind)).map((unit) =>
        option(
          { ...plain("unit", unit.id, unit.name), unit_kind: kind },
          unit.parent ? (names.get(unit.parent) ?? unitKindText(kind)) : undefined,
        ),
      ),
    ),
    ...byName((keys ?? []).filter((key) => key.state === "active")).map((key) =>
      option(plain("key", key.id, key.name), key.hint),
    ),
    ...byName(models ?? []).map((model) => option(plain("model", model.id, model.name))),
    ...byName(providers ?? []).map((provider) => option(plain("provider", provider.id, provider.name))),
  ];
}
