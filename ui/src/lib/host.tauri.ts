/**
 * The host in the desktop window: the control API over Tauri's IPC, in the same process, no port.
 *
 * Commands expected of `src-tauri` (argument names are camelCase on this side, as Tauri converts them):
 *
 * - `api_call({ method, path, headers, body }) -> { status, headers, body }`
 *   `path` begins with `/api/v1`; `headers` is an object of strings; `body` is a string or null; the
 *   answer's `headers` is an object with lower-case names and `body` is text. Rejects with a string
 *   only when the API could not be reached at all.
 * - `api_bytes({ path }) -> { status, headers, body }` with `body` in base64, for downloads (GET only).
 * - `api_stream({ id, method, path, headers, body, channel }) -> null` starts a call and returns at
 *   once; messages on the channel, in this order: one `{ kind: "head", status, headers }`, any number
 *   of `{ kind: "chunk", data }` (`data` is base64), then `{ kind: "end" }` or
 *   `{ kind: "error", message }`. `id` is a number chosen by the page.
 * - `api_cancel({ id })` drops the stream; the upstream call is closed. Unknown ids are ignored.
 * - `open_external({ url })` opens an allow-listed `https:` address in the system browser, else rejects.
 * - `copy_text({ text })` and `copy_private({ text })`; the latter marks the text as private where the
 *   system allows and clears it after 60 s if the clipboard still holds it.
 * - `host_info() -> { locale }`: the system's locale as a BCP 47 tag, or null.
 * - `restart_app({ safeGraphics })` and `restart_in_safe_graphics()` (the static shell calls the latter).
 */
import { Channel, invoke } from "@tauri-apps/api/core";
import { type Host, HostError, type HostResponse, type Method, parseJson, type StreamHead } from "./host";

type StreamMessage =
  | { kind: "head"; status: number; headers: Record<string, string> }
  | { kind: "chunk"; data: string }
  | { kind: "end" }
  | { kind: "error"; message: string };

const prefix = "/api/v1";
let nextStream = 1;

function encode(body: unknown): { headers: Record<string, string>; body: string | null } {
  if (body === undefined || body === null) return { headers: {}, body: null };
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

async function ask<T>(command: string, input: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, input);
  } catch (cause) {
    throw new HostError(String(cause), { cause });
  }
}

async function request(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<HostResponse> {
  type Answer = { status: number; headers: Record<string, string>; body: string };
  const answer = await ask<Answer>("api_call", { method, path: prefix + path, ...encode(body) });
  signal?.throwIfAborted();
  return {
    status: answer.status,
    headers: answer.headers,
    text: answer.body,
    json: parseJson(answer.body),
  };
}

function stream(
  method: Method,
  path: string,
  body: unknown,
  onChunk: (chunk: Uint8Array) => void,
  options: { signal?: AbortSignal; onHead?: (head: StreamHead) => void } = {},
): Promise<StreamHead> {
  const { signal, onHead } = options;
  const id = nextStream++;
  return new Promise((resolve, reject) => {
    let head: StreamHead = { status: 0, headers: {} };
    const abort = () => {
      void invoke("api_cancel", { id });
      reject(signal?.reason ?? new DOMException("cancelled", "AbortError"));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    const settle = (finish: () => void) => {
      signal?.removeEventListener("abort", abort);
      finish();
    };
    const channel = new Channel<StreamMessage>((message) => {
      if (signal?.aborted) return;
      switch (message.kind) {
        case "head":
          head = { status: message.status, headers: message.headers };
          onHead?.(head);
          return;
        case "chunk":
          return onChunk(bytesOf(message.data));
        case "end":
          return settle(() => resolve(head));
        case "error":
          return settle(() => reject(new HostError(message.message)));
      }
    });
    invoke("api_stream", { id, method, path: prefix + path, ...encode(body), channel }).catch((cause) =>
      settle(() => reject(new HostError(String(cause), { cause }))),
    );
  });
}

async function download(path: string) {
  type Answer = { status: number; headers: Record<string, string>; body: string };
  const answer = await ask<Answer>("api_bytes", { path: prefix + path });
  return { status: answer.status, headers: answer.headers, bytes: bytesOf(answer.body) };
}

/** The host of a desktop window. */
export function tauriHost(): Host {
  return {
    kind: "desktop",
    capabilities: { canRestart: true, hasPrivateClipboard: true, hasTray: true },
    request,
    stream,
    download,
    openExternal: (url) => ask("open_external", { url }),
    copy: (text) => ask("copy_text", { text }),
    copyPrivate: (text) => ask("copy_private", { text }),
    restart: ({ safeGraphics }) => ask("restart_app", { safeGraphics }),
  };
}
