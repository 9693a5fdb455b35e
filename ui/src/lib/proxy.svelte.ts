/** The state of the proxy: asked once, then kept up by live events. */
import { call, mutate, Query, type Status } from "./api";
import { events } from "./events.svelte";

export class ProxyStatus {
  readonly #query = new Query("GET /status", () => ({}));

  /** The latest known status. */
  get value(): Status | undefined {
    return events.status ?? this.#query.value;
  }

  /** Nothing answers. */
  get isUnreachable(): boolean {
    return events.isConnected === false || this.#query.error !== undefined;
  }

  async pause(minutes: number | null): Promise<void> {
    events.status = await mutate("POST /proxy/pause", { body: { minutes } });
  }

  async resume(): Promise<void> {
    events.status = await mutate("POST /proxy/resume", {});
  }

  /** Asks again, for instance after a change that sends no event. */
  async refresh(): Promise<void> {
    events.status = await call("GET /status", {});
  }
}
