// The official Google SDK on the Gemini API.
import assert from 'node:assert/strict';
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai';
import {
  ask, CACHED, checkCancelled, collect, INPUT, mark, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PNG, PNG_BYTES, SENTENCE, Skip, test,
  UNICODE, WEATHER,
} from './case.mjs';

const tools = [{ functionDeclarations: [{ name: 'get_weather', description: 'The weather', parametersJsonSchema: WEATHER }] }];
const thinking = { thinkingConfig: { includeThoughts: true } };

const client = (it, options) => new GoogleGenAI({ apiKey: it.key, httpOptions: { baseUrl: it.base_url }, ...options });
const create = (it, contents, config) => client(it).models.generateContent({ model: it.model, contents, config });
const stream = (it, contents, config) => client(it).models.generateContentStream({ model: it.model, contents, config });
const user = (...parts) => ({ role: 'user', parts: parts.map((part) => (typeof part === 'string' ? { text: part } : part)) });
const responses = (calls) => user(...calls.map(({ id, name }, index) => ({ functionResponse: { id, name, response: { output: `rain ${index}` } } })));

function checkUsage(usage) {
  assert.deepEqual(
    [usage.promptTokenCount, usage.cachedContentTokenCount, usage.candidatesTokenCount, usage.totalTokenCount],
    [INPUT, CACHED, OUTPUT, INPUT + OUTPUT],
  );
}

test('gemini', 'plain', async (it) => {
  const answer = await create(it, ask());
  assert.equal(answer.text, SENTENCE);
  assert.equal(answer.candidates[0].finishReason, 'STOP');
  checkUsage(answer.usageMetadata);
});

test('gemini', 'stream', async (it) => {
  for (const split of [undefined, 3]) {
    const chunks = await collect(await stream(it, ask({ say: UNICODE, split })));
    assert.equal(chunks.map((chunk) => chunk.text ?? '').join(''), UNICODE);
    checkUsage(chunks.at(-1).usageMetadata);
    assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
  }
});

test('gemini', 'tool_loop', async (it) => {
  const contents = [user(ask({ steps: [PARALLEL_STEP, ['get_weather']] }))];
  for (const count of [2, 1]) {
    const answer = await create(it, contents, { tools });
    assert.equal(answer.functionCalls.length, count);
    if (count === 2) assert.deepEqual(answer.functionCalls.map((call) => call.args), PARALLEL_ARGS);
    contents.push(answer.candidates[0].content, responses(answer.functionCalls));
  }
  assert.equal((await create(it, contents, { tools })).text, 'get_weather said rain 0.');
});

test('gemini', 'thinking_across_streamed_turns', async (it) => {
  const contents = [user(ask({ steps: [['get_weather'], PARALLEL_STEP] }))];
  for (let step = 0; step < 2; step += 1) {
    const chunks = await collect(await stream(it, contents, { tools, ...thinking }));
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []).filter((part) => part.text !== '' || part.functionCall);
    contents.push({ role: 'model', parts }, responses(parts.filter((part) => part.functionCall).map((part) => part.functionCall)));
  }
  assert.equal((await create(it, contents, { tools, ...thinking })).text, 'get_weather said rain 0. get_weather said rain 1.');
});

test('gemini', 'tool_choice', async (it) => {
  const mode = (value) => ({ tools, toolConfig: { functionCallingConfig: { mode: value } } });
  assert.equal((await create(it, ask(), mode(FunctionCallingConfigMode.ANY))).functionCalls.length, 1);
  assert.ok(!(await create(it, ask({ steps: [['get_weather']] }), mode(FunctionCallingConfigMode.NONE))).functionCalls?.length);
});

test('gemini', 'structured_output', async (it) => {
  const responseSchema = { type: Type.OBJECT, properties: { name: { type: Type.STRING }, population: { type: Type.INTEGER } }, required: ['name', 'population'] };
  const answer = await create(it, ask(), { responseMimeType: 'application/json', responseSchema });
  assert.equal(JSON.parse(answer.text).population, 3);
});

test('gemini', 'vision', async (it) => {
  const answer = await create(it, [user(ask({ echo: true }), { inlineData: { mimeType: 'image/png', data: PNG } })]);
  assert.equal(JSON.parse(answer.text).media[0].bytes, PNG_BYTES);
});

test('gemini', 'count_tokens_and_models', async (it) => {
  assert.ok((await client(it).models.countTokens({ model: it.model, contents: 'Hi' })).totalTokens > 0);
  const listed = await collect(await client(it).models.list());
  assert.ok(listed.length && listed.every((model) => model.name.startsWith('models/')));
});

test('gemini', 'embeddings', async (it) => {
  const model = it.embedding_models[it.upstream];
  if (!model) throw new Skip('no embeddings there');
  const answer = await client(it).models.embedContent({ model, contents: ['cat', 'kitten'] });
  assert.equal(answer.embeddings.length, 2);
  assert.notDeepEqual(answer.embeddings[0].values, answer.embeddings[1].values);
});

test('gemini', 'errors_by_status', async (it) => {
  for (const status of it.is_direct ? [400, 401, 403, 404, 429, 500, 503] : [400, 429, 500, 503]) {
    for (const call of [create, async (...given) => collect(await stream(...given))]) {
      await assert.rejects(call(it, ask({ status })), (error) => {
        assert.ok(error instanceof ApiError, error.name);
        if (status < 500) assert.equal(error.status, status);
        else assert.ok(error.status >= 500);
        return true;
      });
    }
  }
});

test('gemini', 'unknown_model_and_wrong_key', async (it) => {
  await assert.rejects(client(it).models.generateContent({ model: 'no-such-model', contents: 'Hi' }), (error) => error.status === 404);
  await assert.rejects(client(it, { apiKey: 'sk-wrong' }).models.generateContent({ model: it.model, contents: 'Hi' }), (error) => [400, 401].includes(error.status));
});

test('gemini', 'cancel_a_stream', async (it) => {
  const token = mark();
  const abort = new AbortController();
  const chunks = await stream(it, ask({ words: 400, gap_ms: 20, mark: token }), { abortSignal: abort.signal });
  await chunks.next();
  const abortedAt = Date.now();
  abort.abort();
  await assert.rejects(async () => collect(chunks));
  await checkCancelled(it, token, abortedAt);
});
