/** The columns of the Requests table, and the words of an outcome. */
import type { Outcome, RequestRow } from "$lib/api";
import { costText } from "$lib/cost";
import { clock, compactCount, dayAndClock, duration } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";

/** The outcome in words. */
export function outcomeText(outcome: Outcome): string {
  const texts: Record<Outcome, () => string> = {
    completed: m.requests_completed,
    failed: m.requests_failed,
    refused: m.requests_refused,
    client_left: m.requests_client_left,
    truncated: m.requests_truncated,
  };
  return texts[outcome]();
}

/** The tone and shape of an outcome. */
export function outcomeTone(outcome: Outcome): "ok" | "warn" | "bad" {
  if (outcome === "completed") return "ok";
  return outcome === "failed" || outcome === "truncated" ? "bad" : "warn";
}

/** What was asked for, in words. */
export function operationText(operation: RequestRow["operation"]): string {
  const texts: Record<RequestRow["operation"], () => string> = {
    chat_completions: m.requests_operation_chat,
    responses: m.requests_operation_responses,
    messages: m.requests_operation_messages,
    generate_content: m.requests_operation_generate_content,
    count_tokens: m.requests_operation_count_tokens,
    completions: m.requests_operation_completions,
    embeddings: m.requests_operation_embeddings,
    images: m.requests_operation_images,
    speech: m.requests_operation_speech,
    transcriptions: m.requests_operation_transcriptions,
    moderations: m.requests_operation_moderations,
    rerank: m.requests_operation_rerank,
    pass_through: m.requests_operation_pass_through,
  };
  return texts[operation]();
}

function orDash(value: number | null, format: (value: number) => string): string {
  return value === null ? "–" : format(value);
}

/** `1,204 / 310`; a dash for what was not reported. */
export function tokensText(row: RequestRow): string {
  return `${orDash(row.usage.total_input, compactCount)} / ${orDash(row.usage.total_output, compactCount)}`;
}

function timeText(row: RequestRow): string {
  const isToday = new Date(row.started_at).toDateString() === new Date().toDateString();
  return isToday ? clock(row.started_at, true) : dayAndClock(row.started_at);
}

// biome-ignore format: one line per column
/** The columns in order; the higher the priority number, the sooner one is left out. */
export function requestColumns(): Column<RequestRow>[] {
  return [
    { id: "time", title: m.requests_column_time(), width: 116, isTabular: true, text: timeText },
    { id: "outcome", title: m.requests_column_outcome(), width: 122, text: (row) => outcomeText(row.outcome) },
    { id: "model", title: m.requests_column_model(), width: 150, grows: true, text: (row) => row.model ?? row.model_asked },
    { id: "provider", title: m.requests_column_provider(), width: 120, grows: true, priority: 3, text: (row) => row.provider ?? "–" },
    { id: "key", title: m.requests_column_key(), width: 120, grows: true, priority: 4, text: (row) => row.key_name },
    { id: "tokens", title: m.requests_column_tokens(), width: 128, isNumeric: true, priority: 2, text: tokensText },
    { id: "cost", title: m.requests_column_cost(), width: 116, isNumeric: true, text: (row) => costText(row.cost) },
    { id: "first", title: m.requests_column_first(), width: 100, isNumeric: true, priority: 5, text: (row) => orDash(row.first_output_us, duration) },
    { id: "total", title: m.requests_column_total(), width: 84, isNumeric: true, priority: 1, text: (row) => duration(row.total_us) },
  ];
}
