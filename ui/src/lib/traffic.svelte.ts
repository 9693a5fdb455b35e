/** Keeps figures that requests change up to date, without one fetch per request. */
import { events } from "./events.svelte";

/** Refreshes at most this often, in milliseconds, however many requests arrive. */
const pause = 5_000;

/** Refreshes the query some time after each request, for as long as the calling component lives. */
export function refreshWithTraffic(query: { refresh: () => Promise<void> }): void {
  $effect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = events.onRequest(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void query.refresh();
      }, pause);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  });
}
