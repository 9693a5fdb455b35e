// Asks through the official SDKs, with the retries they make by default, where a budget refuses.
//
// The environment says where: BASE_URL, API_KEY. It prints one JSON line for each client: what it raised.
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

const { BASE_URL: base, API_KEY: apiKey } = process.env;
const content = 'What is the capital of France?';
const messages = [{ role: 'user', content }];
const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey });
const anthropic = new Anthropic({ baseURL: base, apiKey });
const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base } });

const calls = {
  chat: () => openai.chat.completions.create({ model: 'evil-chat', messages, max_tokens: 20 }),
  responses: () => openai.responses.create({ model: 'evil-responses', input: content, max_output_tokens: 20 }),
  messages: () => anthropic.messages.create({ model: 'evil-messages', messages, max_tokens: 20 }),
  gemini: () => google.models.generateContent({ model: 'evil-gemini', contents: content }),
};

for (const [client, call] of Object.entries(calls)) {
  const error = await call().then(
    () => {
      throw new Error(`${client} was answered`);
    },
    (reason) => reason,
  );
  const { constructor, status, message } = error;
  console.log(JSON.stringify({ client, error: constructor.name, status: status ?? 0, message }));
}
