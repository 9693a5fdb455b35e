/** What screen readers hear besides the focus; at most one sentence at a time. */
export const announcements: { text: string } = $state({ text: "" });

/** Says a sentence. */
export function announce(text: string): void {
  announcements.text = text;
}
