/** Ready-to-paste text that points a client at the proxy. */

/** One way to connect. */
export interface Snippet {
  id: "environment" | "python" | "node" | "responses" | "anthropic" | "gemini" | "curl";
  /** What it is written in, as the reader's tools call it. */
  language: string;
  text: string;
}

/** What the snippets are filled with. */
export interface SnippetValues {
  baseUrl: string;
  secret: string;
  model: string;
}

/** The address for Anthropic's and Gemini's clients: they add the version themselves. */
export function rootOf(baseUrl: string): string {
  return baseUrl.replace(/\/v1\/?$/, "");
}

/** Every snippet with the values in place. */
export function snippets({ baseUrl, secret, model }: SnippetValues): Snippet[] {
  const root = rootOf(baseUrl);
  return [
    {
      id: "environment",
      language: "shell",
      text: `# OpenAI's clients, Codex, aider, opencode
export OPENAI_BASE_URL=${shellWord(baseUrl)}
export OPENAI_API_KEY=${shellWord(secret)}
# Anthropic's clients, Claude Code
export ANTHROPIC_BASE_URL=${shellWord(root)}
export ANTHROPIC_AUTH_TOKEN=${shellWord(secret)}
# Google's clients, Gemini CLI
export GOOGLE_GEMINI_BASE_URL=${shellWord(root)}
export GEMINI_API_KEY=${shellWord(secret)}`,
    },
    {
      id: "python",
      language: "python",
      text: `from openai import OpenAI

client = OpenAI(
    base_url=${JSON.stringify(baseUrl)},
    api_key=${JSON.stringify(secret)},
)
answer = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=[{"role": "user", "content": "Say hello"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      id: "node",
      language: "javascript",
      text: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: ${JSON.stringify(baseUrl)},
  apiKey: ${JSON.stringify(secret)},
});
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: "user", content: "Say hello" }],
});
console.log(answer.choices[0].message.content);`,
    },
    {
      id: "responses",
      language: "python",
      text: `from openai import OpenAI

client = OpenAI(
    base_url=${JSON.stringify(baseUrl)},
    api_key=${JSON.stringify(secret)},
)
answer = client.responses.create(
    model=${JSON.stringify(model)},
    input="Say hello",
)
print(answer.output_text)`,
    },
    {
      id: "anthropic",
      language: "python",
      text: `from anthropic import Anthropic

client = Anthropic(
    base_url=${JSON.stringify(root)},
    api_key=${JSON.stringify(secret)},
)
answer = client.messages.create(
    model=${JSON.stringify(model)},
    max_tokens=1024,
    messages=[{"role": "user", "content": "Say hello"}],
)
print(answer.content[0].text)`,
    },
    {
      id: "gemini",
      language: "python",
      text: `from google import genai

client = genai.Client(
    api_key=${JSON.stringify(secret)},
    http_options={"base_url": ${JSON.stringify(root)}},
)
answer = client.models.generate_content(
    model=${JSON.stringify(model)},
    contents="Say hello",
)
print(answer.text)`,
    },
    {
      id: "curl",
      language: "shell",
      text: `curl ${shellWord(`${baseUrl}/chat/completions`)} \\
  -H ${shellWord(`Authorization: Bearer ${secret}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${shellWord(JSON.stringify({ model, messages: [{ role: "user", content: "Say hello" }] }))}`,
    },
  ];
}

/** A text as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
