/**
 * The host of the gallery (`npm run gallery`): every screen with fixture answers and no backend.
 * `?state=` chooses what it shows: full (default), empty, error, loading or slow. Loaded in gallery
 * mode only; a build does not contain it.
 */
import { answer, type GalleryState, playgroundChunks } from "./gallery/answers";
import { fixtures } from "./gallery/fixtures";
import { type Host, HostError, type HostResponse, type Method } from "./host";

const states: readonly GalleryState[] = ["full", "empty", "error", "loading", "slow"];

function chosenState(): GalleryState {
  const wanted = new URLSearchParams(location.search).get("state") as GalleryState | null;
  return wanted && states.includes(wanted) ? wanted : "full";
}

function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length));
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
  );
}

function respond(status: number, json: unknown): HostResponse {
  return { status, json, text: JSON.stringify(json), headers: { "content-type": "application/json" } };
}

/** The host of the gallery. */
export function galleryHost(): Host {
  const state = chosenState();
  const request = async (method: Method, path: string, body?: unknown, signal?: AbortSignal) => {
    if (state === "loading") return aborted(signal);
    if (state === "slow") await pause(1_500);
    if (state === "error" && !path.startsWith("/status")) {
      throw new HostError("MegaRouter did not answer. It may have been stopped. Start it again.");
    }
    const { status, json } = answer(state, method, path, body);
    return respond(status, json);
  };
  return {
    kind: "gallery",
    capabilities: { canRestart: true, hasPrivateClipboard: true, hasTray: true },
    request,
    stream: async (_method, path, _body, onChunk, options = {}) => {
      const head = { status: 200, headers: { "x-request-id": fixtures.requests[0]?.id ?? "" } };
      options.onHead?.(head);
      const encoder = new TextEncoder();
      if (path === "/playground/chat") {
        for (const chunk of playgroundChunks) {
          await pause(30);
          options.signal?.throwIfAborted();
          onChunk(encoder.encode(chunk));
        }
        return head;
      }
      const beat = setInterval(() => onChunk(encoder.encode(":\n\n")), 15_000);
      return aborted(options.signal).finally(() => clearInterval(beat));
    },
    download: async () => ({ status: 200, headers: {}, bytes: new TextEncoder().encode("day,cost\n") }),
    openExternal: async () => {},
    copy: async () => {},
    copyPrivate: async () => {},
    restart: async () => {},
  };
}
