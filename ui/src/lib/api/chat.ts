/**
 * The playground's streamed chat: the gateway's own OpenAI answer, read event by event. It tells a
 * finished answer from one that was cut short, which only the end mark `[DONE]` does.
 */
import { HostError, host, parseJson, type StreamHead } from "../host";
import { ApiError } from "./client";
import type { PlaygroundChat } from "./types";

/** What happens while an answer arrives. */
export interface ChatListener {
  /** The request's id, known before the first word. */
  onRequestId(id: string): void;
  /** More of the answer. */
  onText(text: string): void;
}

/** Error codes of this module; every other code is the gateway's. */
export const truncatedCode = "upstream.truncated";

/**
 * Sends the conversation and reads the answer to its end. Rejects with `ApiError` where the gateway
 * refused or failed, also in the middle of the stream, and with `AbortError` when it was stopped.
 */
export async function streamChat(
  body: PlaygroundChat,
  listener: ChatListener,
  signal: AbortSignal,
): Promise<void> {
  const reader = new ChatReader(listener);
  const head = await open(body, reader, signal);
  reader.finish(head);
}

async function open(body: PlaygroundChat, reader: ChatReader, signal: AbortSignal): Promise<StreamHead> {
  try {
    return await host().stream("POST", "/playground/chat", body, (chunk) => reader.push(chunk), {
      signal,
      onHead: (head) => reader.head(head),
    });
  } catch (cause) {
    if (cause instanceof HostError) {
      throw new ApiError(0, "host.unreachable", cause.message);
    }
    throw cause;
  }
}

/** Reads a stream of server-sent events, whatever the chunks it comes in. */
export class ChatReader {
  #decoder = new TextDecoder();
  #rest = "";
  #failure: ApiError | null = null;
  #isDone = false;
  #status = 200;
  #listener: ChatListener;

  constructor(listener: ChatListener) {
    this.#listener = listener;
  }

  /** Takes the head of the answer. */
  head(head: StreamHead): void {
    this.#status = head.status;
    const id = head.headers["x-request-id"];
    if (id !== undefined) {
      this.#listener.onRequestId(id);
    }
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    if (this.#status >= 400) {
      return;
    }
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#line(line);
    }
  }

  /** Throws what went wrong, if something did. */
  finish(head: StreamHead): void {
    this.#rest += this.#decoder.decode();
    if (head.status >= 400) {
      throw failureOf(head.status, parseJson(this.#rest));
    }
    this.#line(this.#rest);
    if (this.#failure !== null) {
      throw this.#failure;
    }
    if (!this.#isDone) {
      throw new ApiError(head.status, truncatedCode, "");
    }
  }

  #line(line: string): void {
    const data = /^data: ?(.*)$/.exec(line)?.[1];
    if (data === undefined || this.#failure !== null) {
      return;
    }
    if (data === "[DONE]") {
      this.#isDone = true;
      return;
    }
    const event = parseJson(data);
    if (isObject(event) && isObject(event["error"])) {
      this.#failure = failureOf(this.#status, event);
      return;
    }
    const text = textOf(event);
    if (text !== "") {
      this.#listener.onText(text);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function textOf(event: unknown): string {
  const choice =
    isObject(event) && Array.isArray(event["choices"]) ? (event["choices"][0] as unknown) : undefined;
  const delta = isObject(choice) ? choice["delta"] : undefined;
  const content = isObject(delta) ? delta["content"] : undefined;
  return typeof content === "string" ? content : "";
}

function failureOf(status: number, json: unknown): ApiError {
  const error = isObject(json) && isObject(json["error"]) ? json["error"] : {};
  const code = typeof error["code"] === "string" ? error["code"] : `http.${status}`;
  return new ApiError(status, code, typeof error["message"] === "string" ? error["message"] : "");
}
