import type { Key } from "$lib/api";
import { costText } from "$lib/cost";
import { flagWords, modelsText, shownFlags, stateOf } from "$lib/features/key/words";
import { ownerText } from "$lib/features/unit/owners";
import { count, moment } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";

/** The columns of the table of keys, most needed first to stay where the window is narrow. */
export function keyColumns(hasUnits: boolean): readonly Column<Key>[] {
  return [
    { id: "name", title: m.keys_column_name(), width: 170, grows: true, text: (key) => key.name },
    ...(hasUnits
      ? [
          {
            id: "owner",
            title: m.keys_column_owner(),
            width: 150,
            grows: true,
            priority: 2,
            text: (key: Key) => ownerText(key.owner),
          },
          {
            id: "project",
            title: m.keys_column_project(),
            width: 110,
            priority: 7,
            text: (key: Key) => key.project?.name ?? "",
          },
        ]
      : []),
    { id: "state", title: m.keys_column_state(), width: 96, text: (key) => stateOf(key).text },
    { id: "models", title: m.keys_column_models(), width: 140, priority: 3, text: modelsText },
    {
      id: "last_used",
      title: m.keys_column_last_used(),
      width: 116,
      priority: 2,
      text: (key) => (key.last_used_at === null ? m.keys_never_used() : moment(key.last_used_at)),
    },
    {
      id: "expires",
      title: m.keys_column_expires(),
      width: 116,
      priority: 5,
      text: (key) => (key.expires_at === null ? m.keys_never_expires() : moment(key.expires_at)),
    },
    {
      id: "requests",
      title: m.keys_column_requests(),
      width: 116,
      priority: 6,
      isNumeric: true,
      text: (key) => count(key.last_24h.requests),
    },
    {
      id: "cost",
      title: m.keys_column_cost(),
      width: 116,
      priority: 1,
      isNumeric: true,
      text: (key) => costText(key.last_24h.cost),
    },
    {
      id: "flags",
      title: m.keys_column_flags(),
      width: 180,
      grows: true,
      priority: 4,
      text: (key) =>
        shownFlags(key, hasUnits)
          .map((flag) => flagWords(flag).text)
          .join(", "),
    },
  ];
}

/** Which keys the list shows. */
export type Scope = "all" | "active" | "ended";

/** The keys of a scope whose name, hint or models contain every word, active ones first, then by last use. */
export function shownKeys(keys: readonly Key[], scope: Scope, query: string): Key[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = keys.filter((key) => {
    const text =
      `${key.name} ${key.hint} ${key.models?.join(" ") ?? ""} ${ownerText(key.owner)} ${key.project?.name ?? ""}`.toLowerCase();
    const isInScope = scope === "all" || (key.state === "active") === (scope === "active");
    return isInScope && words.every((word) => text.includes(word));
  });
  return matches.sort(byUse);
}

function byUse(left: Key, right: Key): number {
  const difference = Number(right.state === "active") - Number(left.state === "active");
  return (
    difference || (right.last_used_at ?? right.created_at).localeCompare(left.last_used_at ?? left.created_at)
  );
}
