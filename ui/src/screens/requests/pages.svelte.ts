/**
 * The rows of the Requests screen: pages fetched by cursor as they come into view and let go when
 * they are far from it, with live rows on top.
 */
import { untrack } from "svelte";
import { ApiError, call, type OperationInput, type RequestPage, type RequestRow } from "$lib/api";
import { events } from "$lib/events.svelte";

export type Filters = Omit<NonNullable<OperationInput<"GET /requests">["query"]>, "cursor" | "limit">;

interface Page {
  /** Where the page begins; undefined for the first. */
  cursor: string | undefined;
  length: number;
  /** Undefined while the page is far from the view. */
  rows: readonly RequestRow[] | undefined;
}

const pageSize = 200;
/** Pages kept on either side of the view. */
const keptAround = 2;
/** Live rows kept before the list starts again from the first page. */
const mostLive = 2_000;
/** How long the sums may lag behind live rows. */
const sumsPause = 2_000;

/** Whether a live row belongs to the filters, by the rules of the API. */
export function matches(row: RequestRow, filters: Filters): boolean {
  const text = filters.q?.toLowerCase();
  const haystack = [row.id, row.model_asked, row.model, row.provider, row.key_name, row.user_agent];
  return (
    (!filters.from || row.started_at >= filters.from) &&
    (!filters.to || row.started_at < filters.to) &&
    (!filters.key_id || row.key_id === filters.key_id) &&
    (!filters.model || row.model === filters.model) &&
    (!filters.provider || row.provider === filters.provider) &&
    (!filters.unit || row.units.some(({ id }) => id === filters.unit)) &&
    (!filters.budget || row.refused_by?.id === filters.budget) &&
    (!filters.session || row.session === filters.session) &&
    (!filters.tag || row.tags.some(({ name, value }) => `${name}=${value}` === filters.tag)) &&
    (!filters.outcome || row.outcome === filters.outcome) &&
    (!text || haystack.some((part) => part?.toLowerCase().includes(text)))
  );
}

export class RequestPages {
  /** The sums over every row of the filters, fetched or not. */
  sums = $state.raw<RequestPage["total"] | undefined>(undefined);
  error = $state.raw<ApiError | undefined>(undefined);
  asOf = $state.raw<Date | undefined>(undefined);
  /** New rows wait instead of moving what is being read. */
  holdsNew = $state(false);
  #pages = $state.raw<readonly Page[]>([]);
  #live = $state.raw<readonly RequestRow[]>([]);
  #waiting = $state.raw<readonly RequestRow[]>([]);
  #nextCursor: string | null = null;
  #filters: Filters = {};
  #generation = 0;
  #fetching = new Set<number>();
  #sumsTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(filters: () => Filters) {
    let key = "";
    $effect(() => {
      const next = filters();
      const nextKey = JSON.stringify(next);
      if (nextKey === key) return;
      key = nextKey;
      untrack(() => this.#start(next));
    });
    $effect(() => {
      const stop = events.onRequest((row) => this.#receive(row));
      return () => {
        stop();
        this.#generation += 1;
        clearTimeout(this.#sumsTimer);
      };
    });
    $effect(() => {
      if (!this.holdsNew) untrack(() => this.showNew());
    });
  }

  /** Nothing to show yet. */
  get isLoading(): boolean {
    return this.sums === undefined && this.error === undefined;
  }

  /** How many rows the table has so far. */
  get length(): number {
    return this.#live.length + this.#pages.reduce((sum, page) => sum + page.length, 0);
  }

  /** How many new rows wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The row at a position; undefined while its page is fetched. */
  rowAt(index: number): RequestRow | undefined {
    if (index < this.#live.length) return this.#live[index];
    let rest = index - this.#live.length;
    for (const page of this.#pages) {
      if (rest < page.length) return page.rows?.[rest];
      rest -= page.length;
    }
    return undefined;
  }

  /** The position of a request among the rows at hand; -1 when it is not there. */
  indexOf(id: string | undefined): number {
    if (!id) return -1;
    let offset = this.#live.findIndex((row) => row.id === id);
    if (offset >= 0) return offset;
    offset = this.#live.length;
    for (const page of this.#pages) {
      const within = page.rows?.findIndex((row) => row.id === id) ?? -1;
      if (within >= 0) return offset + within;
      offset += page.length;
    }
    return -1;
  }

  /** Fetches what the view needs and lets go of what is far from it. */
  view(first: number, last: number): void {
    let offset = this.#live.length;
    const seen = this.#pages.map((page, index) => {
      const isNear =
        offset < last + keptAround * pageSize && offset + page.length > first - keptAround * pageSize;
      offset += page.length;
      if (isNear && !page.rows) void this.#fetch(index);
      return isNear || !page.rows ? page : { ...page, rows: undefined };
    });
    if (seen.some((page, index) => page !== this.#pages[index])) this.#pages = seen;
    if (this.#nextCursor !== null && last + pageSize / 2 >= this.length) void this.#fetch(this.#pages.length);
  }

  /** Puts the waiting rows on top. */
  showNew(): void {
    if (this.#waiting.length === 0) return;
    this.#live = [...this.#waiting, ...this.#live];
    this.#waiting = [];
    if (this.#live.length > mostLive && !this.holdsNew) this.refresh();
  }

  /** Starts again from the first page. */
  refresh(): void {
    this.#start(this.#filters);
  }

  #start(filters: Filters): void {
    const isSame = filters === this.#filters;
    this.#filters = filters;
    this.#generation += 1;
    this.#fetching.clear();
    if (!isSame) {
      this.#pages = [];
      this.#live = [];
      this.sums = undefined;
    }
    this.#waiting = [];
    this.#nextCursor = null;
    this.error = undefined;
    void this.#fetch(0);
  }

  async #fetch(index: number): Promise<void> {
    if (this.#fetching.has(index)) return;
    this.#fetching.add(index);
    const generation = this.#generation;
    const isLast = index >= this.#pages.length;
    const cursor = index === 0 ? undefined : (this.#pages[index]?.cursor ?? this.#nextCursor ?? undefined);
    try {
      const answer = await call("GET /requests", { query: { ...this.#filters, cursor, limit: pageSize } });
      if (generation !== this.#generation) return;
      this.#take(index, isLast, { cursor, length: answer.rows.length, rows: answer.rows }, answer);
    } catch (cause) {
      if (generation !== this.#generation) return;
      this.error = cause instanceof ApiError ? cause : new ApiError(0, "window.fault", String(cause));
    } finally {
      if (generation === this.#generation) this.#fetching.delete(index);
    }
  }

  #take(index: number, isLast: boolean, page: Page, answer: RequestPage): void {
    this.asOf = new Date();
    this.error = undefined;
    this.sums = answer.total;
    if (index === 0) {
      const known = new Set(answer.rows.map((row) => row.id));
      this.#live = this.#live.filter(
        (row) => !known.has(row.id) && row.started_at > (answer.rows[0]?.started_at ?? ""),
      );
      this.#pages = [page];
      this.#nextCursor = answer.next_cursor;
    } else if (isLast) {
      this.#pages = [...this.#pages, page];
      this.#nextCursor = answer.next_cursor;
    } else {
      this.#pages = this.#pages.map((old, at) => (at === index ? page : old));
    }
  }

  #receive(row: RequestRow): void {
    if (!matches(row, this.#filters) || this.indexOf(row.id) >= 0) return;
    this.#waiting = [row, ...this.#waiting];
    if (!this.holdsNew) this.showNew();
    this.#sumsTimer ??= setTimeout(() => void this.#refreshSums(), sumsPause);
  }

  async #refreshSums(): Promise<void> {
    this.#sumsTimer = undefined;
    const generation = this.#generation;
    const answer = await call("GET /requests", { query: { ...this.#filters, limit: 1 } }).catch(
      () => undefined,
    );
    if (answer && generation === this.#generation) this.sums = answer.total;
  }
}
