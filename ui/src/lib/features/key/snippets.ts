/** Ready-to-paste text that points a client at the proxy. */

/** One way to connect. */
export interface Snippet {
  id: "environment" | "python" | "node" | "curl";
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

/** Every snippet with the values in place. */
export function snippets({ baseUrl, secret, model }: SnippetValues): Snippet[] {
  return [
    {
      id: "environment",
      language: "shell",
      text: `export OPENAI_BASE_URL=${shellWord(baseUrl)}\nexport OPENAI_API_KEY=${shellWord(secret)}`,
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
