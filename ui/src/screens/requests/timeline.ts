/** The spans of a request's time, for the waterfall. Times in microseconds from its arrival. */
import type { RequestDetail } from "$lib/api";

export interface Span {
  kind: "wait" | "stream";
  start: number;
  length: number;
}

export interface Lane {
  provider: string;
  model: string;
  hasFailed: boolean;
  start: number;
  length: number;
  spans: Span[];
}

/** One lane for each attempt: waiting for the first output, then output. */
export function lanesOf(detail: RequestDetail): Lane[] {
  return detail.attempt_list.map((attempt) => {
    const start = attempt.started_after_us;
    // The attempt tells the first output from its own beginning; it cannot come after its end.
    const wait = Math.min(attempt.first_output_us ?? attempt.duration_us, attempt.duration_us);
    const spans: Span[] = [{ kind: "wait", start, length: wait }];
    if (attempt.duration_us > wait)
      spans.push({ kind: "stream", start: start + wait, length: attempt.duration_us - wait });
    return {
      provider: attempt.provider,
      model: attempt.upstream_model,
      hasFailed: attempt.error !== null,
      start,
      length: attempt.duration_us,
      spans,
    };
  });
}

/** The length of the whole picture: the request, or its longest lane where that ends later. */
export function extentOf(detail: RequestDetail): number {
  const ends = detail.attempt_list.map((attempt) => attempt.started_after_us + attempt.duration_us);
  return Math.max(1, detail.total_us, ...ends);
}
