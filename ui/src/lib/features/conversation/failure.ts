import type { ApiError } from "$lib/api";
import { truncatedCode } from "$lib/api/chat";
import { m } from "$lib/i18n";

/** A failed answer in words: what happened, what it means, what to do. */
export function failureWords(error: ApiError): { title: string; text: string } {
  switch (error.code) {
    case truncatedCode:
      return { title: m.playground_failed_cut_title(), text: error.message || m.playground_failed_cut() };
    case "host.unreachable":
      return { title: m.playground_failed_title(), text: m.playground_failed_unreachable() };
    case "proxy.paused":
      return { title: m.playground_failed_title(), text: m.playground_failed_paused() };
    default:
      return { title: m.playground_failed_title(), text: error.message || m.playground_failed_unknown() };
  }
}
