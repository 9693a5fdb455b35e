/**
 * Turns key presses into commands. Shortcuts are written `Mod K`, `Mod Shift P`, `Shift ?`, a single
 * letter, or a chord of two letters (`G O`). Single letters and chords are silent in text fields and
 * while a dialog is open.
 */
import type { Command } from "./commands.svelte";
import { hasMainModifier } from "./platform";

const chordTime = 1_200;
/** A second way to the same command, where the screen offers it. */
const aliases: Record<string, string> = { "Mod F": "/" };

/** Whether the event comes from something that takes text. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable || target.matches("input, textarea, select, [role=textbox], [role=combobox]")
  );
}

/** The event in the notation of shortcuts: `Mod Shift P`, `Shift ?`, `G`. */
export function pressed(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isLetter = /^[A-Z0-9]$/.test(key);
  const parts: string[] = [];
  if (hasMainModifier(event)) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (isLetter || key === "?" || key.length > 1)) parts.push("Shift");
  return [...parts, key].join(" ");
}

/** Watches the window's keys; returns the way to stop. */
export function listenForShortcuts(commands: () => Command[], letterKeysAreOn: () => boolean): () => void {
  let first = "";
  let firstAt = 0;
  const onkeydown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const keys = pressed(event);
    const isPlain = !keys.startsWith("Mod ");
    if (
      isPlain &&
      (isTyping(event) || !letterKeysAreOn() || document.querySelector("dialog[open], [role=dialog]"))
    )
      return;
    const isSecond = first !== "" && event.timeStamp - firstAt < chordTime;
    const chord = isSecond ? `${first} ${keys}` : "";
    const command =
      commands().find((one) => one.shortcut !== undefined && one.shortcut === chord) ??
      commands().find((one) => one.shortcut === keys) ??
      commands().find((one) => one.shortcut !== undefined && one.shortcut === aliases[keys]);
    first = !command && /^[A-Z]$/.test(keys) ? keys : "";
    firstAt = event.timeStamp;
    if (!command) return;
    event.preventDefault();
    command.run();
  };
  addEventListener("keydown", onkeydown);
  return () => removeEventListener("keydown", onkeydown);
}
