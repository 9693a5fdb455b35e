/**
 * The cache of reads. A `Query` shows what is cached at once, fetches what is not, and fetches again
 * when one of its tags is invalidated. Late answers are dropped by number.
 */
import { untrack } from "svelte";
import { SvelteSet } from "svelte/reactivity";
import { ApiError, call } from "./client";
import type { Operation, OperationAnswer, OperationInput } from "./operations";
import { changedBy, type Tag, tagsOf } from "./tags";

interface Cached {
  value: unknown;
  at: Date;
}

const capacity = 60;
const cache = new Map<string, Cached>();
const live = new SvelteSet<Query<Operation>>();

function remember(key: string, cached: Cached): void {
  cache.delete(key);
  cache.set(key, cached);
  const oldest = cache.keys().next();
  if (cache.size > capacity && !oldest.done) cache.delete(oldest.value);
}

/** Marks everything with one of the tags as stale and fetches what is on the screen again. */
export function invalidate(...tags: Tag[]): void {
  for (const key of cache.keys()) {
    const operation = key.slice(0, key.indexOf("?")) as Operation;
    if (tagsOf(operation).some((tag) => tags.includes(tag))) cache.delete(key);
  }
  for (const query of live) {
    if (tagsOf(query.operation).some((tag) => tags.includes(tag))) void query.refresh();
  }
}

/** Fetches everything on the screen again, for instance after the connection came back. */
export function refreshAll(): void {
  cache.clear();
  for (const query of live) void query.refresh();
}

/** Calls an operation that changes something, then invalidates what it changed. */
export async function mutate<Name extends Operation>(
  operation: Name,
  input: OperationInput<Name>,
): Promise<OperationAnswer<Name>> {
  const answer = await call(operation, input);
  invalidate(...changedBy(operation));
  return answer;
}

/**
 * One cached read that follows its input. Create it while a component initialises:
 *
 *     const models = new Query("GET /models", () => ({}));
 *     // models.value, models.error, models.isLoading (nothing to show yet), models.isStale
 *
 * An input of null waits.
 */
export class Query<Name extends Operation> {
  /** The latest answer; kept, and marked stale, while and after a fetch fails. */
  value = $state.raw<OperationAnswer<Name> | undefined>(undefined);
  /** The failure of the latest fetch. */
  error = $state.raw<ApiError | undefined>(undefined);
  /** When the value was fetched. */
  asOf = $state.raw<Date | undefined>(undefined);
  /** A fetch is under way. */
  isFetching = $state(false);
  #input: OperationInput<Name> | null = null;
  #key = "";
  #latest = 0;
  #abort: AbortController | undefined;

  constructor(
    readonly operation: Name,
    input: () => OperationInput<Name> | null,
  ) {
    $effect(() => {
      const next = input();
      const key = `${operation}?${JSON.stringify(next)}`;
      untrack(() => {
        if (key !== this.#key) this.#change(key, next);
      });
    });
    $effect(() => {
      const self = this as unknown as Query<Operation>;
      live.add(self);
      return () => {
        live.delete(self);
        this.#abort?.abort();
      };
    });
  }

  /** Nothing to show yet. */
  get isLoading(): boolean {
    return this.value === undefined && this.error === undefined;
  }

  /** The value is older than the last attempt to fetch it. */
  get isStale(): boolean {
    return this.value !== undefined && this.error !== undefined;
  }

  /** Fetches again, whatever is cached. */
  async refresh(): Promise<void> {
    if (this.#input === null) return;
    const number = ++this.#latest;
    const key = this.#key;
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.isFetching = true;
    try {
      const value = await call(this.operation, this.#input, this.#abort.signal);
      if (number !== this.#latest) return;
      const at = new Date();
      remember(key, { value, at });
      this.#show(value, at);
    } catch (cause) {
      if (number !== this.#latest || isAbort(cause)) return;
      this.error = cause instanceof ApiError ? cause : new ApiError(0, "window.fault", String(cause));
    } finally {
      if (number === this.#latest) this.isFetching = false;
    }
  }

  /** Replaces the value, for instance with what a live event said. */
  patch(change: (value: OperationAnswer<Name>) => OperationAnswer<Name>): void {
    if (this.value === undefined) return;
    this.value = change(this.value);
    remember(this.#key, { value: this.value, at: new Date() });
  }

  #change(key: string, input: OperationInput<Name> | null): void {
    this.#key = key;
    this.#input = input;
    this.error = undefined;
    const cached = cache.get(key);
    if (cached) this.#show(cached.value as OperationAnswer<Name>, cached.at);
    else this.value = undefined;
    if (cached && tagsOf(this.operation).length === 0) return;
    void this.refresh();
  }

  #show(value: OperationAnswer<Name>, at: Date): void {
    this.value = value;
    this.asOf = at;
    this.error = undefined;
  }
}

function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}
