/** A short explanation beside a control, on hover and on focus: `{@attach tooltip("text")}`. */
import type { Attachment } from "svelte/attachments";

const delay = 400;
const gap = 6;
let bubble: HTMLElement | undefined;

function shownBubble(): HTMLElement {
  if (bubble?.isConnected) return bubble;
  bubble = document.createElement("div");
  bubble.className = "tooltip";
  bubble.id = "tooltip";
  bubble.setAttribute("role", "tooltip");
  bubble.hidden = true;
  document.body.append(bubble);
  return bubble;
}

function place(target: Element, element: HTMLElement): void {
  const box = target.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const left = Math.min(Math.max(gap, box.left + box.width / 2 - width / 2), innerWidth - width - gap);
  const below = box.bottom + gap;
  element.style.left = `${left}px`;
  element.style.top = `${below + height > innerHeight ? box.top - height - gap : below}px`;
}

/** Attaches the text to the element. */
export function tooltip(text: string): Attachment<HTMLElement> {
  return (target) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      const element = shownBubble();
      element.textContent = text;
      element.hidden = false;
      place(target, element);
      target.setAttribute("aria-describedby", element.id);
    };
    const hide = () => {
      clearTimeout(timer);
      if (bubble) bubble.hidden = true;
      target.removeAttribute("aria-describedby");
    };
    const wait = () => {
      timer = setTimeout(show, delay);
    };
    const onkeydown = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    target.addEventListener("pointerenter", wait);
    target.addEventListener("pointerleave", hide);
    target.addEventListener("focus", show);
    target.addEventListener("blur", hide);
    target.addEventListener("keydown", onkeydown);
    return () => {
      hide();
      target.removeEventListener("pointerenter", wait);
      target.removeEventListener("pointerleave", hide);
      target.removeEventListener("focus", show);
      target.removeEventListener("blur", hide);
      target.removeEventListener("keydown", onkeydown);
    };
  };
}
