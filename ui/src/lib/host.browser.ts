/**
 * The host in a browser against `megarouter-server serve`: the control API over HTTP. The one-time
 * token of a sign-in link (`#signin=TOKEN`) is exchanged for a session token that lives in
 * sessionStorage, so it ends with the tab; there are no cookies.
 */
import { type Host, HostError, type HostResponse, type Method, parseJson, type StreamHead } from "./host";

const prefix = "/api/v1";
const sessionName = "megarouter.session";

function authorisation(): Record<string, string> {
  const token = sessionStorage.getItem(sessionName);
  return token ? { authorization: `Bearer ${token}` } : {};
}

async function send(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const hasBody = body !== undefined && body !== null;
  try {
    return await fetch(prefix + path, {
      method,
      headers: { ...authorisation(), ...(hasBody ? { "content-type": "application/json" } : {}) },
      body: hasBody ? JSON.stringify(body) : null,
      signal: signal ?? null,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new HostError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function request(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<HostResponse> {
  const response = await send(method, path, body, signal);
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    json: parseJson(text),
  };
}

async function stream(
  method: Method,
  path: string,
  body: unknown,
  onChunk: (chunk: Uint8Array) => void,
  options: { signal?: AbortSignal; onHead?: (head: StreamHead) => void } = {},
): Promise<StreamHead> {
  const response = await send(method, path, body, options.signal);
  const head = { status: response.status, headers: Object.fromEntries(response.headers) };
  options.onHead?.(head);
  const reader = response.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    onChunk(value);
  }
  return head;
}

async function download(path: string) {
  const response = await send("GET", path);
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

/**
 * Exchanges the one-time token in the address for a session and removes it from the address and the
 * history. Returns false when the server refused it.
 */
export async function signInFromAddress(): Promise<boolean> {
  const token = /^#signin=(.+)$/.exec(location.hash)?.[1];
  if (!token) return true;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  // Replacing the address tells nobody; the router read it before.
  dispatchEvent(new HashChangeEvent("hashchange"));
  sessionStorage.removeItem(sessionName);
  const answer = await request("POST", "/session", { token: decodeURIComponent(token) });
  const session = (answer.json as { session_token?: unknown } | null)?.session_token;
  if (answer.status !== 200 || typeof session !== "string") return false;
  sessionStorage.setItem(sessionName, session);
  return true;
}

/** The host of a browser tab. */
export function browserHost(): Host {
  return {
    kind: "browser",
    capabilities: { canRestart: false, hasPrivateClipboard: false, hasTray: false },
    request,
    stream,
    download,
    openExternal: async (url) => {
      if (new URL(url).protocol === "https:") window.open(url, "_blank", "noopener,noreferrer");
    },
    copy: (text) => navigator.clipboard.writeText(text),
    copyPrivate: (text) => navigator.clipboard.writeText(text),
  };
}
