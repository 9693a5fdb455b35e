/** What can be done to units: each with a toast and its way back. */
import { type KeyChange, mutate, type Unit } from "$lib/api";
import { m } from "$lib/i18n";
import { toasts } from "$lib/ui/toasts.svelte";

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Does it, then says so with a way back; says why where it failed. True where it worked. */
async function attempt(
  work: () => Promise<unknown>,
  done: string,
  undo: (() => Promise<unknown>) | null,
): Promise<boolean> {
  try {
    await work();
  } catch (cause) {
    toasts.show(m.unit_failed({ reason: reasonOf(cause) }), { tone: "bad" });
    return false;
  }
  const back = () =>
    void undo?.().catch((cause: unknown) =>
      toasts.show(m.unit_undo_failed({ reason: reasonOf(cause) }), { tone: "bad" }),
    );
  toasts.show(done, { tone: "ok", ...(undo === null ? {} : { undo: back }) });
  return true;
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item);
}

type Change = { name?: string; parent?: string | null; archived?: boolean; with_content?: boolean };
const change = (id: string, body: Change) => mutate("PATCH /units/{id}", { path: { id }, body });

/** Gives a unit another name. */
export function rename(unit: Unit, name: string): Promise<boolean> {
  const done = m.unit_renamed({ before: unit.name, after: name });
  return attempt(
    () => change(unit.id, { name }),
    done,
    () => change(unit.id, { name: unit.name }),
  );
}

/** Gives the organisation another name. */
export function renameOrganization(before: string, name: string): Promise<boolean> {
  const put = (wanted: string) => mutate("PATCH /organization", { body: { name: wanted } });
  return attempt(
    () => put(name),
    m.unit_renamed({ before, after: name }),
    before === "" ? null : () => put(before),
  );
}

/** Puts units into a place; null is the organisation itself. */
export function move(units: readonly Unit[], parent: string | null, place: string): Promise<boolean> {
  const [only] = units;
  const done =
    units.length === 1 && only
      ? m.unit_moved({ name: only.name, place })
      : m.unit_moved_many({ count: units.length, place });
  const back = () => each(units, (unit) => change(unit.id, { parent: unit.parent }));
  return attempt(() => each(units, (unit) => change(unit.id, { parent })), done, back);
}

/** Takes units out of use; `inside` are those in use within them, outermost first, which go and come back with them. */
export function archive(units: readonly Unit[], inside: readonly Unit[]): Promise<boolean> {
  const [only] = units;
  const done =
    units.length === 1 && only
      ? m.unit_archived({ name: only.name })
      : m.unit_archived_many({ count: units.length });
  const back = () => each([...units, ...inside], (unit) => change(unit.id, { archived: false }));
  const out = (unit: Unit) =>
    change(unit.id, { archived: true, ...(inside.length > 0 ? { with_content: true } : {}) });
  return attempt(() => each(units, out), done, back);
}

/** Puts a unit back into use. */
export function restore(unit: Unit): Promise<boolean> {
  const back = () => change(unit.id, { archived: true });
  return attempt(() => change(unit.id, { archived: false }), m.unit_restored({ name: unit.name }), back);
}

/** Gives keys to an owner or a project, and takes others away. */
export function assign(
  changes: readonly { id: string; after: KeyChange; before: KeyChange }[],
): Promise<boolean> {
  const put = (id: string, body: KeyChange) => mutate("PATCH /keys/{id}", { path: { id }, body });
  return attempt(
    () => each(changes, ({ id, after }) => put(id, after)),
    m.unit_assigned({ count: changes.length }),
    () => each(changes, ({ id, before }) => put(id, before)),
  );
}
