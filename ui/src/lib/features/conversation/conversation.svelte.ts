import { ApiError, type ChatMessage, call, type RequestDetail } from "$lib/api";
import { streamChat } from "$lib/api/chat";
import { events } from "$lib/events.svelte";
import { FrameBatch } from "./frames";

/** Where an answer stands. */
export type AnswerState = "waiting" | "streaming" | "done" | "stopped" | "failed";

/** How often, and how far apart, the books are asked for a request that has just ended. */
const RECORD_TRIES = 8;
const RECORD_PAUSE_MS = 250;

/** One answer of a model, growing while it arrives. */
export class Answer {
  text = $state("");
  state = $state<AnswerState>("waiting");
  error = $state.raw<ApiError | null>(null);
  requestId = $state<string | null>(null);
  /** What it cost and how long it took; null until the books know. */
  record = $state.raw<RequestDetail | null>(null);
  /** The books did not answer in time; the request is still there to be opened. */
  isRecordMissing = $state(false);

  constructor(readonly model: string) {}

  /** Whether words may still arrive. */
  get isOpen(): boolean {
    return this.state === "waiting" || this.state === "streaming";
  }
}

/** What a person asked, and the answer to it. */
export interface Turn {
  id: number;
  question: string;
  answer: Answer;
}

/** What goes with every question. */
export interface Parameters {
  model: string;
  system: string;
  temperature: number | null;
  maxTokens: number | null;
}

/** A conversation with a model, kept in memory only. */
export class Conversation {
  turns = $state<Turn[]>([]);
  /** Every answer there was, also those asked again: what was spent stays spent. */
  answers = $state.raw<readonly Answer[]>([]);
  #nextId = 1;
  #abort: AbortController | null = null;

  /** Whether an answer is arriving. */
  get isBusy(): boolean {
    return this.turns.at(-1)?.answer.isOpen ?? false;
  }

  /** Asks and waits for the end of the answer. */
  async ask(question: string, parameters: Parameters): Promise<Answer> {
    const turn = { id: this.#nextId++, question, answer: new Answer(parameters.model) };
    this.turns.push(turn);
    this.answers = [...this.answers, turn.answer];
    await this.#answer(turn, parameters);
    return turn.answer;
  }

  /** Drops the answer of a turn, and every turn after it, and asks again. */
  async askAgain(id: number, parameters: Parameters): Promise<void> {
    const index = this.turns.findIndex((turn) => turn.id === id);
    const question = this.turns[index]?.question;
    if (question === undefined || this.isBusy) return;
    this.turns.splice(index);
    await this.ask(question, parameters);
  }

  /** Stops the answer that is arriving; the provider's call is closed too. */
  stop(): void {
    this.#abort?.abort();
  }

  /** Forgets everything. */
  clear(): void {
    this.stop();
    this.turns = [];
    this.answers = [];
  }

  async #answer(turn: Turn, parameters: Parameters): Promise<void> {
    const { answer } = turn;
    const abort = new AbortController();
    this.#abort = abort;
    const batch = new FrameBatch((text) => {
      answer.text += text;
      answer.state = "streaming";
    });
    const booked = new Booked();
    try {
      const listener = {
        onRequestId: (id: string) => {
          answer.requestId = id;
          booked.watch(id);
        },
        onText: (text: string) => batch.push(text),
      };
      await streamChat(this.#body(turn, parameters), listener, abort.signal);
      batch.flush();
      answer.state = "done";
    } catch (cause) {
      batch.flush();
      answer.state = abort.signal.aborted ? "stopped" : "failed";
      answer.error = abort.signal.aborted ? null : asApiError(cause);
    }
    void booked.soon().then(() => loadRecord(answer));
  }

  #body(turn: Turn, { model, system, temperature, maxTokens }: Parameters) {
    const messages: ChatMessage[] = system.trim() === "" ? [] : [{ role: "system", content: system }];
    for (const earlier of this.turns) {
      messages.push({ role: "user", content: earlier.question });
      if (earlier.id === turn.id) break;
      if (earlier.answer.text !== "") messages.push({ role: "assistant", content: earlier.answer.text });
    }
    return {
      model,
      messages,
      ...(temperature === null ? {} : { temperature }),
      ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    };
  }
}

/** Waits for the live event that says a request is in the books, but never for long. */
class Booked {
  #isIn = Promise.resolve();
  #stop = () => {};

  watch(id: string): void {
    this.#isIn = new Promise((resolve) => {
      this.#stop = events.onRequest((row) => {
        if (row.id === id) resolve();
      });
    });
  }

  async soon(): Promise<void> {
    await Promise.race([this.#isIn, new Promise((resolve) => setTimeout(resolve, RECORD_PAUSE_MS))]);
    this.#stop();
  }
}

/** Asks the books for the answer's request until it is there; it is written right after the end. */
export async function loadRecord(answer: Answer): Promise<void> {
  const id = answer.requestId;
  if (id === null) return;
  for (let tries = 0; tries < RECORD_TRIES; tries += 1) {
    try {
      answer.record = await call("GET /requests/{id}", { path: { id } });
      return;
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 404) break;
      await new Promise((resolve) => setTimeout(resolve, RECORD_PAUSE_MS));
    }
  }
  answer.isRecordMissing = true;
}

function asApiError(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError(0, "window.fault", String(cause));
}
