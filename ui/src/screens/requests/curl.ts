/** The request as a curl command without secret and without its prompt, which is not stored. */
import type { RequestRow } from "$lib/api";

const paths: Record<string, string> = { embeddings: "/embeddings" };

/** `baseUrl` is the proxy's, ending in `/v1`. */
export function curlOf(row: RequestRow, baseUrl: string): string {
  const path = paths[row.operation] ?? "/chat/completions";
  const body =
    path === "/embeddings"
      ? { model: row.model_asked, input: "…" }
      : {
          model: row.model_asked,
          ...(row.is_streaming ? { stream: true } : {}),
          messages: [{ role: "user", content: "…" }],
        };
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  return [
    `curl ${row.is_streaming ? "-N " : ""}${baseUrl}${path} \\`,
    "  -H 'content-type: application/json' \\",
    '  -H "authorization: Bearer $MEGAROUTER_KEY" \\',
    `  -d '${quoted}'`,
  ].join("\n");
}
