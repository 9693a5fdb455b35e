/**
 * The window's only door to the world outside the page. Every call to the control API, the clipboard
 * and the system browser goes through here, so that every screen works in the desktop window and in
 * a browser against `megarouter-server serve` alike.
 *
 * Start reading at `Host`. `host.tauri.ts` and `host.browser.ts` implement it; one is loaded at start.
 */

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What came back from the control API, whatever its status. */
export interface HostResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The parsed JSON body; null where there is none or it is not JSON. */
  json: unknown;
  /** The body as text. */
  text: string;
}

/** The head of a streamed answer, known before the first chunk. */
export interface StreamHead {
  status: number;
  headers: Record<string, string>;
}

/** What a host can do beyond answering requests; screens hide what is absent. */
export interface Capabilities {
  /** Can restart the application in place. */
  canRestart: boolean;
  /** Marks copied text as private for clipboard managers and clears it after 60 s. */
  hasPrivateClipboard: boolean;
  /** The window can be closed while the proxy keeps running. */
  hasTray: boolean;
}

export interface Host {
  kind: "desktop" | "browser" | "gallery";
  capabilities: Capabilities;
  /** One call to the control API. `path` starts after `/api/v1`. Rejects with `HostError` when nothing answered. */
  request(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<HostResponse>;
  /**
   * One streamed call. Resolves when the stream ended; `onHead` is called once before the first
   * `onChunk`. Aborting the signal stops the upstream and rejects with an `AbortError`.
   */
  stream(
    method: Method,
    path: string,
    body: unknown,
    onChunk: (chunk: Uint8Array) => void,
    options?: { signal?: AbortSignal; onHead?: (head: StreamHead) => void },
  ): Promise<StreamHead>;
  /** The bytes of a download, such as a report. */
  download(path: string): Promise<{ status: number; headers: Record<string, string>; bytes: Uint8Array }>;
  /** Opens a web address in the system browser. Only `https:` and the hosts allowed by the application. */
  openExternal(url: string): Promise<void>;
  /** Copies ordinary text. */
  copy(text: string): Promise<void>;
  /** Copies a secret, as privately as the system allows. */
  copyPrivate(text: string): Promise<void>;
  /** Restarts the application; present only with `capabilities.canRestart`. */
  restart?(options: { safeGraphics: boolean }): Promise<void>;
}

/** Nothing answered: the connection, not the API, failed. */
export class HostError extends Error {
  override name = "HostError";
}

let current: Host | undefined;

/** The host of this window. `connectHost` MUST have resolved before. */
export function host(): Host {
  if (!current) throw new Error("the host is used before it is connected");
  return current;
}

/** Replaces the host; for tests and the gallery. */
export function setHost(replacement: Host): void {
  current = replacement;
}

/** Loads the implementation that fits this window. */
export async function connectHost(): Promise<Host> {
  if (import.meta.env.MODE === "gallery") {
    current = (await import("./host.mock")).galleryHost();
  } else if ("__TAURI_INTERNALS__" in window) {
    current = (await import("./host.tauri")).tauriHost();
  } else {
    current = (await import("./host.browser")).browserHost();
  }
  return current;
}

/** Parses a body as JSON where it is JSON. */
export function parseJson(text: string): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
