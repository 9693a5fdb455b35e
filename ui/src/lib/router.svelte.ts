/**
 * State in the address: `#/requests/ID?model=gpt-5`. The screen is the first segment of the hash, what
 * is open in it the second (the parameter `selected`); filters and range are its query. Back and
 * forward work because every step is an entry of the browser's history.
 */

export type Parameters = Record<string, string | undefined>;

interface Place {
  screen: string;
  parameters: Readonly<Record<string, string>>;
}

/** The place that a hash names. */
export function parsePlace(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen = "", selected = ""] = path.split("/").map(decodeURIComponent);
  const parameters = Object.fromEntries(new URLSearchParams(search));
  return { screen, parameters: selected ? { ...parameters, selected } : parameters };
}

/** The hash of a place; empty parameters are left out. */
export function href(screen: string, { selected, ...parameters }: Parameters = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) search.set(name, value);
  const path = [screen, ...(selected ? [selected] : [])].map(encodeURIComponent).join("/");
  return `#/${path}${search.size > 0 ? `?${search}` : ""}`;
}

class Router {
  #place = $state.raw<Place>(parsePlace(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.#place = parsePlace(location.hash);
    });
  }

  /** The screen in the address; empty for home. */
  get screen(): string {
    return this.#place.screen;
  }

  /** The query of the address. */
  get parameters(): Readonly<Record<string, string>> {
    return this.#place.parameters;
  }

  /** Goes to a screen, as a step that Back undoes. */
  go(screen: string, parameters: Parameters = {}): void {
    location.hash = href(screen, parameters);
    this.#place = parsePlace(location.hash);
  }

  /**
   * Changes some parameters of the present screen (undefined removes one). Typing and moving a
   * selection replace the entry; choosing a filter or a range adds one with `push`.
   */
  set(change: Parameters, { push = false } = {}): void {
    const next = href(this.screen, { ...this.parameters, ...change });
    if (next === location.hash) return;
    if (push) location.hash = next;
    else history.replaceState(history.state, "", next);
    this.#place = parsePlace(next);
  }
}

export const router = new Router();
