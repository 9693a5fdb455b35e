// The Vercel AI SDK with its providers for the four dialects.
import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { ask, CACHED, checkCancelled, collect, INPUT, mark, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PNG, SENTENCE, test, UNICODE } from './case.mjs';

const MODELS = {
  'ai-chat': (it) => createOpenAI({ baseURL: `${it.base_url}/v1`, apiKey: it.key }).chat(it.model),
  'ai-compatible': (it) => createOpenAICompatible({ name: 'mega', baseURL: `${it.base_url}/v1`, apiKey: it.key, includeUsage: true, supportsStructuredOutputs: true })(it.model),
  'ai-responses': (it) => createOpenAI({ baseURL: `${it.base_url}/v1`, apiKey: it.key }).responses(it.model),
  'ai-messages': (it) => createAnthropic({ baseURL: `${it.base_url}/v1`, apiKey: it.key })(it.model),
  'ai-gemini': (it) => createGoogleGenerativeAI({ baseURL: `${it.base_url}/v1beta`, apiKey: it.key })(it.model),
};
// The OpenAI provider stores answers unless told not to.
const providerOptions = { openai: { store: false } };

const weather = (asked) => ({
  get_weather: tool({
    description: 'The weather',
    inputSchema: z.object({ city: z.string(), days: z.int() }),
    execute: async (args) => (asked.push(args), `sun in ${args.city}`),
  }),
});

function checkUsage(usage) {
  assert.deepEqual([usage.inputTokens, usage.outputTokens, usage.inputTokenDetails?.cacheReadTokens ?? usage.cachedInputTokens], [INPUT, OUTPUT, CACHED]);
}

for (const [client, model] of Object.entries(MODELS)) {
  const base = (it, prompt) => ({ model: model(it), maxRetries: 0, providerOptions, ...(typeof prompt === 'string' ? { prompt } : { messages: prompt }) });

  test(client, 'generates_text', async (it) => {
    const { text, usage, finishReason } = await generateText(base(it, ask({ say: UNICODE })));
    assert.equal(text, UNICODE);
    assert.equal(finishReason, 'stop');
    checkUsage(usage);
  });

  test(client, 'streams_text', async (it) => {
    const result = streamText(base(it, ask({ say: UNICODE, split: 4 })));
    assert.equal((await collect(result.textStream)).join(''), UNICODE);
    checkUsage(await result.usage);
  });

  test(client, 'loops_with_tools', async (it) => {
    const asked = [];
    const { text, steps } = await generateText({ ...base(it, ask({ steps: [PARALLEL_STEP, ['get_weather']] })), tools: weather(asked), stopWhen: stepCountIs(5) });
    assert.deepEqual(asked.slice(0, 2), PARALLEL_ARGS);
    assert.equal(steps.length, 3);
    assert.match(text, /^get_weather said .*sun in/);
  });

  test(client, 'loops_with_streamed_tools', async (it) => {
    const asked = [];
    const result = streamText({ ...base(it, ask({ steps: [PARALLEL_STEP, ['get_weather']] })), tools: weather(asked), stopWhen: stepCountIs(5) });
    const text = (await collect(result.textStream)).join('');
    assert.deepEqual(asked.slice(0, 2), PARALLEL_ARGS);
    assert.match(text, /^get_weather said .*sun in/);
  });

  test(client, 'generates_an_object', async (it) => {
    const { object } = await generateObject({ ...base(it, ask()), schema: z.object({ name: z.string(), population: z.int() }) });
    assert.equal(object.population, 3);
  });

  test(client, 'sees', async (it) => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: ask({ echo: true }) }, { type: 'image', image: PNG, mediaType: 'image/png' }] }];
    assert.equal(JSON.parse((await generateText(base(it, messages))).text).media.length, 1);
  });

  test(client, 'tells_errors', async (it) => {
    for (const status of [400, 429, 503]) {
      await assert.rejects(generateText(base(it, ask({ status }))), (error) => {
        assert.ok(APICallError.isInstance(error), error.name);
        assert.equal(error.isRetryable, status !== 400);
        return true;
      });
    }
  });

  test(client, 'cancel_a_stream', async (it) => {
    const token = mark();
    const abort = new AbortController();
    const result = streamText({ ...base(it, ask({ words: 400, gap_ms: 20, mark: token })), abortSignal: abort.signal });
    for await (const _ of result.textStream) break;
    const abortedAt = Date.now();
    abort.abort();
    await checkCancelled(it, token, abortedAt);
  });
}

test('ai-chat', 'embeds_many', async (it) => {
  const name = it.embedding_models[it.upstream];
  if (!name) return;
  const { embeddings } = await embedMany({ model: createOpenAI({ baseURL: `${it.base_url}/v1`, apiKey: it.key }).embeddingModel(name), values: ['cat', 'kitten'] });
  assert.equal(embeddings.length, 2);
});
