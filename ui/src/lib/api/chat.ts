/**
 * The playground's streamed chat: the gateway's own OpenAI answer, read event by event. It tells a
 * finished answer from one that was cut short: only the end mark `[DONE]` finishes one.
 */
import { HostError, host, parseJson, type StreamHead } from "../host";
import { SseReader } from "../sse";
import { ApiError } from "./client";
import type { PlaygroundChat } from "./types";

/** What happens while an answer arrives. */
export interface ChatListener {
  /** The request's id, known before the first word. */
  onRequestId(id: string): void;
  /** More of the answer. */
  onText(text: string): void;
}

/** The code of an answer that ended before its end mark. */
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
  const answer = new AnswerReader(listener);
  try {
    await host().stream("POST", "/playground/chat", body, (chunk) => answer.push(chunk), {
      signal,
      onHead: (head) => answer.begin(head),
    });
  } catch (cause) {
    if (cause instanceof HostError) throw new ApiError(0, "host.unreachable", cause.message);
    throw cause;
  }
  answer.finish();
}

class AnswerReader {
  readonly #listener: ChatListener;
  readonly #events = new SseReader((_, text) => this.#receive(text));
  readonly #refusal = new TextDecoder();
  #refusalText = "";
  #status = 200;
  #failure: ApiError | null = null;
  #isDone = false;

  constructor(listener: ChatListener) {
    this.#listener = listener;
  }

  begin(head: StreamHead): void {
    this.#status = head.status;
    const id = head.headers["x-request-id"];
    if (id !== undefined) this.#listener.onRequestId(id);
  }

  push(chunk: Uint8Array): void {
    // A refusal is one JSON document, not a stream of events.
    if (this.#status >= 400) this.#refusalText += this.#refusal.decode(chunk, { stream: true });
    else this.#events.push(chunk);
  }

  /** Throws what went wrong, if something did. */
  finish(): void {
    if (this.#status >= 400) throw failureOf(this.#status, parseJson(this.#refusalText));
    if (this.#failure) throw this.#failure;
    if (!this.#isDone) throw new ApiError(this.#status, truncatedCode, "");
  }

  #receive(text: string): void {
    if (this.#failure || this.#isDone) return;
    if (text === "[DONE]") {
      this.#isDone = true;
      return;
    }
    const event = parseJson(text);
    if (isObject(event) && isObject(event.error)) {
      this.#failure = failureOf(this.#status, event);
      return;
    }
    const words = wordsOf(event);
    if (words !== "") this.#listener.onText(words);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function wordsOf(event: unknown): string {
  const choices = isObject(event) ? event.choices : undefined;
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const delta = isObject(choice) ? choice.delta : undefined;
  const content = isObject(delta) ? delta.content : undefined;
  return typeof content === "string" ? content : "";
}

function failureOf(status: number, json: unknown): ApiError {
  const error = isObject(json) && isObject(json.error) ? json.error : {};
  const code = typeof error.code === "string" ? error.code : `http.${status}`;
  return new ApiError(status, code, typeof error.message === "string" ? error.message : "");
}
