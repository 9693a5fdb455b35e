/** Reads a stream of server-sent events from chunks cut anywhere, also inside a character. */
export class SseReader {
  readonly #decoder = new TextDecoder();
  readonly #onEvent: (name: string, text: string) => void;
  #rest = "";
  #name = "";
  #text: string[] = [];

  /** `onEvent` gets the event's name ("message" where none is given) and its data. */
  constructor(onEvent: (name: string, text: string) => void) {
    this.#onEvent = onEvent;
  }

  /** Takes the next chunk and reports the events it completes. */
  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (line === "") this.#finish();
    if (line === "" || line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#text.push(value);
  }

  #finish(): void {
    if (this.#text.length > 0) this.#onEvent(this.#name || "message", this.#text.join("\n"));
    this.#name = "";
    this.#text = [];
  }
}
