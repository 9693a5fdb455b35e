import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { tauriHost } from "./host.tauri";

type Message = { kind: string; [name: string]: unknown };
const { invoke, channels } = vi.hoisted(() => ({
  invoke: vi.fn(),
  channels: [] as { send: (message: unknown) => void }[],
}));

vi.mock("@tauri-apps/api/core", () => ({
  invoke,
  Channel: class {
    constructor(send: (message: unknown) => void) {
      channels.push({ send });
    }
  },
}));

beforeEach(() => {
  channels.length = 0;
  invoke.mockReset();
  invoke.mockResolvedValue(null);
});
afterEach(() => vi.restoreAllMocks());

const send = (message: Message) => channels[0]?.send(message);

it("sends a call through one command with the API's path and JSON", async () => {
  invoke.mockResolvedValue({ status: 201, headers: { a: "b" }, body: '{"id":1}' });
  const answer = await tauriHost().request("POST", "/keys", { name: "x" });
  expect(invoke).toHaveBeenCalledWith("api_call", {
    method: "POST",
    path: "/api/v1/keys",
    headers: { "content-type": "application/json" },
    body: '{"name":"x"}',
  });
  expect(answer).toMatchObject({ status: 201, json: { id: 1 } });
});

it("reports a command that failed as no answer", async () => {
  invoke.mockRejectedValue("the proxy is stopping");
  await expect(tauriHost().request("GET", "/status")).rejects.toThrow("the proxy is stopping");
});

it("passes head and chunks in order and ends with the head", async () => {
  const seen: unknown[] = [];
  const ended = tauriHost().stream("POST", "/playground/chat", {}, (chunk) => seen.push([...chunk]), {
    onHead: (head) => seen.push(head.status),
  });
  send({ kind: "head", status: 200, headers: { "x-request-id": "1" } });
  send({ kind: "chunk", data: btoa("\u00ff\u0000a") });
  send({ kind: "end" });
  await expect(ended).resolves.toEqual({ status: 200, headers: { "x-request-id": "1" } });
  expect(seen).toEqual([200, [255, 0, 97]]);
});

it("cancels the stream on the other side when it is aborted", async () => {
  const abort = new AbortController();
  const chunks: unknown[] = [];
  const ended = tauriHost().stream("GET", "/events", undefined, (chunk) => chunks.push(chunk), {
    signal: abort.signal,
  });
  abort.abort();
  await expect(ended).rejects.toMatchObject({ name: "AbortError" });
  const [, started] = invoke.mock.calls.find(([command]) => command === "api_stream") ?? [];
  expect(invoke).toHaveBeenCalledWith("api_cancel", { id: started?.id });
  send({ kind: "chunk", data: "YQ==" });
  expect(chunks).toEqual([]);
});
