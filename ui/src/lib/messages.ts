/** What was said in a kept request and its answer, from the JSON or the events as they were kept. */

export interface Said {
  role: string;
  text: string;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of a part: a string, a list of parts, or what a tool is called with. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(textOf).filter(Boolean).join("\n");
  if (!isObject(content)) return "";
  if (typeof content.text === "string") return content.text;
  if (content.content !== undefined) return textOf(content.content);
  if (content.parts !== undefined) return textOf(content.parts);
  const kind = typeof content.type === "string" ? content.type : "…";
  return `[${kind}] ${JSON.stringify(content.input ?? content.arguments ?? {})}`;
}

function said(role: unknown, content: unknown, fallback: string): Said[] {
  const text = textOf(content);
  return text === "" ? [] : [{ role: typeof role === "string" ? role : fallback, text }];
}

/** The messages of a request in any of the dialects; empty where it cannot be read. */
export function messagesOf(text: string): Said[] {
  const body = parse(text);
  if (!isObject(body)) return [];
  const system = said("system", body.system ?? body.instructions ?? body.systemInstruction, "system");
  const list = body.messages ?? body.contents ?? body.input ?? body.prompt;
  if (!Array.isArray(list)) return [...system, ...said("user", list, "user")];
  const messages = list.flatMap((one) => {
    if (!isObject(one)) return said("user", one, "user");
    const calls = Array.isArray(one.tool_calls)
      ? one.tool_calls.map((call) => JSON.stringify(call)).join("\n")
      : "";
    return [...said(one.role, one.content ?? one.parts ?? one, "user"), ...said("tool", calls, "tool")];
  });
  return [...system, ...messages];
}

/** One event of a stream: the words it adds. */
function deltaOf(event: unknown): string {
  if (!isObject(event)) return "";
  const choice: unknown = Array.isArray(event.choices) ? event.choices[0] : undefined;
  if (isObject(choice)) return textOf(isObject(choice.delta) ? choice.delta.content : "");
  if (typeof event.delta === "string") return event.delta;
  if (isObject(event.delta)) return typeof event.delta.text === "string" ? event.delta.text : "";
  const candidate: unknown = Array.isArray(event.candidates) ? event.candidates[0] : undefined;
  return isObject(candidate) ? textOf(candidate.content) : "";
}

/** The answer's text, from one document or from a stream of events; empty where it cannot be read. */
export function answerOf(text: string): string {
  const body = parse(text);
  if (isObject(body)) {
    const choice: unknown = Array.isArray(body.choices) ? body.choices[0] : undefined;
    if (isObject(choice)) return textOf(isObject(choice.message) ? choice.message.content : choice.text);
    const candidate: unknown = Array.isArray(body.candidates) ? body.candidates[0] : undefined;
    if (isObject(candidate)) return textOf(candidate.content);
    return textOf(body.content ?? body.output);
  }
  return text
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => deltaOf(parse(line.slice("data:".length).trim())))
    .join("");
}
