/** What the Models screen knows: the catalogue, what is set up here, and both filtered by the address. */
import { Query } from "$lib/api";
import { type Entry, entriesOf, type Mix, mixOf } from "$lib/features/model/catalogue";
import {
  filterEntries,
  filtersOf,
  type OrderName,
  orderEntries,
  orderNames,
} from "$lib/features/model/filters";
import { router } from "$lib/router.svelte";
import type { Order } from "$lib/ui/table";

/** Create it while the screen initialises. */
export class ModelList {
  readonly catalogue = new Query("GET /catalog", () => ({}));
  readonly models = new Query("GET /models", () => ({}));
  readonly providers = new Query("GET /providers", () => ({}));
  readonly kinds = new Query("GET /provider-kinds", () => ({}));
  readonly keys = new Query("GET /keys", () => ({}));

  /** How much of this installation's tokens is input. */
  readonly mix: Mix = $derived(
    this.catalogue.value === undefined
      ? { inputPercent: 75, isOwn: false }
      : mixOf(this.catalogue.value.blend),
  );
  readonly kindNames: ReadonlyMap<string, string> = $derived(
    new Map((this.kinds.value ?? []).map(({ id, name }) => [id, name])),
  );
  readonly entries: readonly Entry[] = $derived.by(() => {
    const list = this.catalogue.value;
    return list === undefined
      ? []
      : entriesOf(list, this.models.value ?? [], this.providers.value ?? [], this.kindNames);
  });
  readonly #byKey: ReadonlyMap<string, Entry> = $derived(
    new Map(this.entries.map((entry) => [entry.key, entry])),
  );
  readonly filters = $derived(filtersOf(router.parameters));
  readonly order: Order | undefined = $derived.by(() => {
    const column = orderNames.find((name) => name === router.parameters.sort);
    return column === undefined ? undefined : { column, isDescending: router.parameters.desc === "1" };
  });
  // Ordered before they are filtered: typing in the search then orders nothing.
  readonly #ordered: readonly Entry[] = $derived(
    orderEntries(
      this.entries,
      this.order?.column as OrderName | undefined,
      this.order?.isDescending ?? false,
    ),
  );
  readonly #filtered = $derived(filterEntries(this.#ordered, this.filters, this.keys.value ?? []));

  /** The models that match, in order. */
  get rows(): readonly Entry[] {
    return this.#filtered.entries;
  }

  /** How many models each choice of a facet would leave. */
  get counts() {
    return this.#filtered.counts;
  }

  /** An entry by its key, whatever the filters. */
  entry(key: string | undefined): Entry | undefined {
    return key === undefined ? undefined : this.#byKey.get(key);
  }

  /** A provider kind as people call it. */
  kindName(kind: string): string {
    return this.kindNames.get(kind) ?? kind;
  }

  /** Why a part that only adds to the list is missing; null where all is there. */
  get missing(): string | null {
    const parts = [this.models, this.providers, this.kinds, this.keys];
    return parts.find((part) => part.error !== undefined)?.error?.message ?? null;
  }
}
