/** The request as a curl command without secret and without its prompt, which is not stored. */
import type { RequestRow } from "$lib/api";

type Operation = RequestRow["operation"];

interface Call {
  /** After the address without its version. */
  path: string;
  body: Record<string, unknown>;
  header?: string;
}

const ask = "…";
const message = { role: "user", content: ask };

/** How each operation is called; null for what has no form of its own. */
function callOf(operation: Operation, model: string, stream: { stream?: true }): Call | null {
  const isStreaming = stream.stream === true;
  const calls: Record<Operation, Call | null> = {
    chat_completions: { path: "/v1/chat/completions", body: { model, ...stream, messages: [message] } },
    responses: { path: "/v1/responses", body: { model, ...stream, input: ask } },
    messages: {
      path: "/v1/messages",
      header: "anthropic-version: 2023-06-01",
      body: { model, ...stream, max_tokens: 1024, messages: [message] },
    },
    generate_content: {
      path: `/v1beta/models/${model}:${isStreaming ? "streamGenerateContent?alt=sse" : "generateContent"}`,
      body: { contents: [{ role: "user", parts: [{ text: ask }] }] },
    },
    count_tokens: {
      path: "/v1/messages/count_tokens",
      header: "anthropic-version: 2023-06-01",
      body: { model, messages: [message] },
    },
    completions: { path: "/v1/completions", body: { model, ...stream, prompt: ask } },
    embeddings: { path: "/v1/embeddings", body: { model, input: ask } },
    images: { path: "/v1/images/generations", body: { model, prompt: ask } },
    speech: { path: "/v1/audio/speech", body: { model, voice: ask, input: ask } },
    moderations: { path: "/v1/moderations", body: { model, input: ask } },
    rerank: { path: "/v1/rerank", body: { model, query: ask, documents: [ask] } },
    transcriptions: null,
    pass_through: null,
  };
  return calls[operation];
}

/** `baseUrl` is the proxy's, ending in `/v1`. Null where no command can say it: an upload, or what was passed on as it came. */
export function curlOf(row: RequestRow, baseUrl: string): string | null {
  const call = callOf(row.operation, row.model_asked, row.is_streaming ? { stream: true } : {});
  if (call === null) return null;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `curl ${row.is_streaming ? "-N " : ""}${quoted(baseUrl.replace(/\/v1\/?$/, "") + call.path)} \\`,
    "  -H 'content-type: application/json' \\",
    ...(call.header === undefined ? [] : [`  -H '${call.header}' \\`]),
    '  -H "authorization: Bearer $MEGAROUTER_KEY" \\',
    `  -d ${quoted(JSON.stringify(call.body))}`,
  ].join("\n");
}
