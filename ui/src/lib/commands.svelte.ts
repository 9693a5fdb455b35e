/**
 * The one registry of verbs, used by the palette, the keyboard and the keyboard map alike. A
 * component offers its commands while it is on the screen:
 *
 *     offerCommands(() => [{ id: "providers.add", title: m.providers_add(), shortcut: "Mod N", run: add }]);
 */
import { SvelteMap } from "svelte/reactivity";

export interface Command {
  /** Stable, such as `providers.add`. */
  id: string;
  title: string;
  /** `Mod N`, `G O` (a chord: one key after the other) or `E`; see `keyboard.ts`. */
  shortcut?: string | undefined;
  group?: "actions" | "screens" | "appearance" | undefined;
  run: () => void;
}

const offers = new SvelteMap<number, () => Command[]>();
let nextOffer = 1;

/** Offers commands for as long as the calling component lives. */
export function offerCommands(commands: () => Command[]): void {
  $effect(() => {
    const offer = nextOffer++;
    offers.set(offer, commands);
    return () => offers.delete(offer);
  });
}

/** Every command on offer; those offered last (the screen's own) first. */
export function allCommands(): Command[] {
  return [...offers.values()].reverse().flatMap((commands) => commands());
}
