import type { Replay, ReplayAnswer, ReplayItem, ReplayState } from "$lib/api";
import { m } from "$lib/i18n";

type Tone = "neutral" | "ok" | "warn" | "bad" | "info";

/** How far a run is. */
export function stateOf(state: ReplayState): { text: string; tone: Tone } {
  const tones: Record<ReplayState, Tone> = {
    waiting: "neutral",
    running: "info",
    finished: "ok",
    stopped: "neutral",
    cost_reached: "warn",
    failed: "bad",
  };
  return { text: m[`replay_state_${state}`](), tone: tones[state] };
}

export function isOpen({ state }: Pick<Replay, "state">): boolean {
  return state === "waiting" || state === "running";
}

/** An answer with its number as votes name it, and the letter it goes by while names are hidden. */
export interface Placed {
  answer: ReplayAnswer;
  number: number;
  letter: string;
}

/**
 * The answers of a prompt in an order that tells nothing of who wrote which, always the same for the
 * same prompt.
 */
export function placed(item: ReplayItem, isShuffled: boolean): Placed[] {
  const all = item.answers.map((answer, index) => ({ answer, number: index + 1 }));
  const seed = [...`${item.number}:${item.prompt}`].reduce(
    (sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0,
    7,
  );
  const order = isShuffled
    ? [...all].sort((left, right) => rank(seed, left.number) - rank(seed, right.number))
    : all;
  return order.map((one, index) => ({ ...one, letter: String.fromCharCode(65 + index) }));
}

function rank(seed: number, number: number): number {
  return ((seed ^ (number * 2_654_435_761)) >>> 0) % 9_973;
}
