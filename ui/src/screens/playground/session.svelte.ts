import { Conversation, type Parameters } from "$lib/features/conversation/conversation.svelte";
import { Comparison } from "./comparison.svelte";

/** A number as typed: null where the field is empty, undefined where it is no such number. */
export type Typed = number | null | undefined;

/** The playground of this window: kept while other screens are shown, forgotten with the window. */
export class Session {
  readonly conversation = new Conversation();
  readonly comparison = new Comparison();
  model = $state("");
  system = $state("");
  temperature = $state("");
  maxTokens = $state("");
  /** What is being written. */
  draft = $state("");

  /** The temperature as typed. */
  get typedTemperature(): Typed {
    return within(this.temperature, /^\d(\.\d+)?$/, 0, 2);
  }

  /** The longest answer as typed. */
  get typedMaxTokens(): Typed {
    return within(this.maxTokens, /^\d{1,7}$/, 1, 9_999_999);
  }

  /** What goes with a question; null while a field is wrong. */
  parameters(model: string): Parameters | null {
    const temperature = this.typedTemperature;
    const maxTokens = this.typedMaxTokens;
    if (temperature === undefined || maxTokens === undefined) return null;
    return { model, system: this.system, temperature, maxTokens };
  }
}

function within(text: string, shape: RegExp, least: number, most: number): Typed {
  const plain = text.trim().replace(",", ".");
  if (plain === "") return null;
  const value = Number(plain);
  return shape.test(plain) && value >= least && value <= most ? value : undefined;
}

export const session = new Session();
