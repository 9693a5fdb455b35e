import { afterEach, expect, it, vi } from "vitest";
import { listenForShortcuts, pressed } from "./keyboard";

let stop = () => {};
afterEach(() => {
  stop();
  document.body.replaceChildren();
});

function press(
  key: string,
  options: KeyboardEventInit = {},
  target: EventTarget = document.body,
): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options });
  target.dispatchEvent(event);
  return event;
}

function listen(shortcut: string, letterKeysAreOn = true) {
  const run = vi.fn();
  stop = listenForShortcuts(
    () => [{ id: "test", title: "Test", shortcut, run }],
    () => letterKeysAreOn,
  );
  return run;
}

it("writes keys as shortcuts are written", () => {
  expect(pressed(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }))).toBe("Mod K");
  expect(pressed(new KeyboardEvent("keydown", { key: "P", ctrlKey: true, shiftKey: true }))).toBe(
    "Mod Shift P",
  );
  expect(pressed(new KeyboardEvent("keydown", { key: "?", shiftKey: true }))).toBe("Shift ?");
  expect(pressed(new KeyboardEvent("keydown", { key: "/", shiftKey: true }))).toBe("/");
});

it("runs a shortcut and keeps the browser from using it", () => {
  const run = listen("Mod K");
  expect(press("k", { ctrlKey: true }).defaultPrevented).toBe(true);
  expect(run).toHaveBeenCalledOnce();
});

it("runs a chord of two letters, and only in order", () => {
  const run = listen("G O");
  press("o");
  press("g");
  press("x");
  press("o");
  expect(run).not.toHaveBeenCalled();
  press("g");
  press("o");
  expect(run).toHaveBeenCalledOnce();
});

it("leaves letters alone in text fields, under dialogs and when they are off", () => {
  const run = listen("C");
  const input = document.body.appendChild(document.createElement("input"));
  press("c", {}, input);
  const dialog = document.body.appendChild(document.createElement("dialog"));
  dialog.setAttribute("open", "");
  press("c");
  expect(run).not.toHaveBeenCalled();
  dialog.remove();
  stop();
  const silenced = listen("C", false);
  press("c");
  expect(silenced).not.toHaveBeenCalled();
});
