/** The wire formats by the names their makers gave them. Product names, the same in every language. */
import type { RequestRow } from "./api";

const names: Readonly<Record<string, string>> = {
  openai_chat: "OpenAI Chat Completions",
  openai_responses: "OpenAI Responses",
  anthropic: "Anthropic Messages",
  gemini: "Gemini",
  bedrock_converse: "Bedrock Converse",
};

/** What a dialect is called; its id where a newer server knows one that this window does not. */
export function dialectText(dialect: string): string {
  return names[dialect] ?? dialect;
}

/** The dialect an app spoke, which its operation tells; null for what is no conversation. */
export function dialectOf(operation: RequestRow["operation"]): string | null {
  const dialects: Partial<Record<RequestRow["operation"], string>> = {
    chat_completions: "openai_chat",
    responses: "openai_responses",
    messages: "anthropic",
    generate_content: "gemini",
  };
  return dialects[operation] ?? null;
}
