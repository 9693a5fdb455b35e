/** What differs between operating systems and web engines, with fallbacks for what WebKit lacks. */

export type OperatingSystem = "macos" | "windows" | "linux";

/** The system this window runs on, from the user agent. */
export const operatingSystem: OperatingSystem = /Mac/.test(navigator.userAgent)
  ? "macos"
  : /Windows/.test(navigator.userAgent)
    ? "windows"
    : "linux";

/** Whether the main modifier key of the event (Cmd on macOS, Ctrl elsewhere) is down, alone or with Shift. */
export function hasMainModifier(event: KeyboardEvent | MouseEvent): boolean {
  return operatingSystem === "macos" ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
}

/**
 * A shortcut as people of this system read it: `Mod K` becomes `⌘ K` or `Ctrl K`.
 */
export function shortcutLabel(shortcut: string): string {
  const names: Record<string, string> =
    operatingSystem === "macos" ? { Mod: "⌘", Shift: "⇧", Alt: "⌥", Enter: "↩" } : { Mod: "Ctrl" };
  return shortcut
    .split(" ")
    .map((part) => names[part] ?? part)
    .join(" ");
}

/** Runs the work when the page is idle; WebKit has no `requestIdleCallback`, so it waits a moment there. */
export function whenIdle(work: () => void): () => void {
  if ("requestIdleCallback" in window) {
    const handle = window.requestIdleCallback(work, { timeout: 2000 });
    return () => window.cancelIdleCallback(handle);
  }
  const handle = setTimeout(work, 400);
  return () => clearTimeout(handle);
}

/** Whether the person asked the system for less motion. */
export function prefersReducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The pixel ratio canvases draw at: capped at 2, beyond which nobody sees a difference. */
export function canvasPixelRatio(): number {
  return Math.min(2, window.devicePixelRatio || 1);
}

/** Offers the bytes as a file download. */
export function saveFile(name: string, type: string, content: BlobPart): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
