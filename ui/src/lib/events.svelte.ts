/**
 * The live feed of the control API. One stream per window, reconnected with growing pauses; each
 * event either patches a query or invalidates tags.
 */
import { type BudgetAlert, invalidate, type RequestRow, refreshAll, type Status, type Tag } from "./api";
import { host } from "./host";
import { SseReader } from "./sse";

const firstPause = 500;
const longestPause = 15_000;
/** The server sends a comment every 15 s; silence for longer means a dead connection. */
const silence = 40_000;

type RequestListener = (row: RequestRow) => void;
type AlertListener = (alert: BudgetAlert) => void;

class Events {
  /** Whether the feed is connected; undefined until the first attempt is decided. */
  isConnected = $state<boolean | undefined>(undefined);
  /** The latest status the server told. */
  status = $state.raw<Status | undefined>(undefined);
  #requestListeners = new Set<RequestListener>();
  #alertListeners = new Set<AlertListener>();
  #abort: AbortController | undefined;

  /** Starts the feed; the window calls it once. */
  start(): () => void {
    const abort = new AbortController();
    this.#abort = abort;
    void this.#run(abort.signal);
    return () => this.#abort?.abort();
  }

  /** Calls the listener with each finished request until the returned function is called. */
  onRequest(listener: RequestListener): () => void {
    this.#requestListeners.add(listener);
    return () => this.#requestListeners.delete(listener);
  }

  /** Calls the listener when a step of a budget's ladder is reached, until the returned function is called. */
  onAlert(listener: AlertListener): () => void {
    this.#alertListeners.add(listener);
    return () => this.#alertListeners.delete(listener);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let pause = firstPause;
    while (!signal.aborted) {
      const began = Date.now();
      await this.#connect(signal).catch(() => {});
      if (signal.aborted) return;
      this.isConnected = false;
      pause = Date.now() - began > longestPause ? firstPause : Math.min(pause * 2, longestPause);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const attempt = new AbortController();
    const giveUp = () => attempt.abort();
    signal.addEventListener("abort", giveUp, { once: true });
    let watchdog = setTimeout(giveUp, silence);
    const reader = new SseReader((name, text) => this.#receive(name, text));
    try {
      await host().stream(
        "GET",
        "/events",
        undefined,
        (chunk) => {
          clearTimeout(watchdog);
          watchdog = setTimeout(giveUp, silence);
          reader.push(chunk);
        },
        { signal: attempt.signal, onHead: (head) => this.#opened(head.status, giveUp) },
      );
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", giveUp);
    }
  }

  #opened(status: number, giveUp: () => void): void {
    if (status !== 200) {
      giveUp();
      return;
    }
    const isBack = this.isConnected === false;
    this.isConnected = true;
    if (isBack) refreshAll();
  }

  #receive(name: string, text: string): void {
    const content = JSON.parse(text) as unknown;
    if (name === "request") for (const listener of this.#requestListeners) listener(content as RequestRow);
    else if (name === "alert") for (const listener of this.#alertListeners) listener(content as BudgetAlert);
    else if (name === "status") this.status = content as Status;
    else if (name === "changed") invalidate(...(content as { tags: Tag[] }).tags);
  }
}

export const events = new Events();
