/**
 * Collects text and hands it on at most once per frame, so that a fast answer costs one update per
 * frame and not one per token.
 */
export class FrameBatch {
  readonly #take: (text: string) => void;
  #waiting = "";
  #frame: number | null = null;

  constructor(take: (text: string) => void) {
    this.#take = take;
  }

  /** Adds text to the next frame's update. */
  push(text: string): void {
    this.#waiting += text;
    this.#frame ??= requestAnimationFrame(() => this.flush());
  }

  /** Hands on what waits. Call it at the end: a hidden window draws no frames. */
  flush(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    const text = this.#waiting;
    this.#waiting = "";
    if (text !== "") this.#take(text);
  }
}
