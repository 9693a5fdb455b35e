/** One toast at a time; a new one replaces the old. */

export interface Toast {
  text: string;
  tone: "neutral" | "ok" | "bad";
  /** A way back, offered for as long as the toast is shown. */
  undo?: (() => void) | undefined;
}

const shownFor = { neutral: 4_000, ok: 4_000, bad: 10_000, undo: 10_000 };

class Toasts {
  current = $state.raw<Toast | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string, options: { tone?: Toast["tone"]; undo?: () => void } = {}): void {
    const tone = options.tone ?? "neutral";
    this.current = { text, tone, undo: options.undo };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.dismiss(), options.undo ? shownFor.undo : shownFor[tone]);
  }

  dismiss(): void {
    clearTimeout(this.#timer);
    this.current = undefined;
  }
}

export const toasts = new Toasts();
