import { m } from "$lib/i18n";
import { toasts } from "$lib/ui/toasts.svelte";

/** Says that something could not be done, and why. */
export function failed(cause: unknown): void {
  const reason = cause instanceof Error ? cause.message : String(cause);
  toasts.show(m.policy_failed_toast({ reason }), { tone: "bad" });
}
