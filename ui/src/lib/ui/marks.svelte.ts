/** Which rows of an ordered list are marked, by id; a range goes from the row touched last. */
import { SvelteSet } from "svelte/reactivity";
import type { Marking } from "./table";

export class Marks {
  readonly ids = new SvelteSet<string>();
  #anchor = 0;

  /** `ids` gives the rows at hand in their order, `nameAt` what each is called. */
  constructor(
    private readonly rows: () => readonly string[],
    private readonly nameAt: (index: number) => string,
  ) {}

  /** For a table. Read it in a template: it follows the marks. */
  get marking(): Marking {
    const rows = this.rows();
    const marked = rows.reduce((sum, id) => sum + Number(this.ids.has(id)), 0);
    return {
      all: marked === 0 ? "none" : marked === rows.length ? "all" : "some",
      isMarked: (index) => this.ids.has(rows[index] ?? ""),
      nameAt: this.nameAt,
      toggle: (index, isRange) => this.toggle(index, isRange),
      toggleAll: () => this.toggleAll(),
    };
  }

  /** Marks or unmarks a row; with `isRange` all from the row touched last get its new state. */
  toggle(index: number, isRange: boolean): void {
    const rows = this.rows();
    const id = rows[index];
    if (id === undefined) return;
    const isOn = !this.ids.has(id);
    const from = isRange ? Math.min(this.#anchor, index) : index;
    const to = isRange ? Math.max(this.#anchor, index) : index;
    for (const one of rows.slice(from, to + 1)) this.#set(one, isOn);
    this.#anchor = index;
  }

  /** Marks every row at hand, or unmarks them where all are marked. Others keep their state. */
  toggleAll(): void {
    const rows = this.rows();
    const isOn = !rows.every((id) => this.ids.has(id));
    for (const id of rows) this.#set(id, isOn);
  }

  /** Unmarks everything. */
  clear(): void {
    this.ids.clear();
  }

  #set(id: string, isOn: boolean): void {
    if (isOn) this.ids.add(id);
    else this.ids.delete(id);
  }
}
