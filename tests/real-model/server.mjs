// A real small language model behind an OpenAI-compatible API, on loopback.
//
//   node server.mjs MODEL.gguf [PORT]
//
// Serves chat completions (streamed or not), embeddings and the model list. It prints one JSON line
// `{"ready":true,"port":N}` once it can answer. What it told its clients about usage can be asked for:
// `GET /reported` lists every answer with its id and token counts, so that a test can compare a ledger
// with the provider's own books. The model is a base model without a chat template: turns are written
// out as a dialogue and the text is fluent at best, but the tokens are real.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { getLlama, LlamaCompletion } from 'node-llama-cpp';

const MODEL_NAME = 'gemma-3-270m';
const MODEL = { id: MODEL_NAME, object: 'model', created: 0, owned_by: 'local' };
// Several threads spin on a busy machine and make it slower than one does.
const THREADS = 1;

const [modelPath, port = '0'] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 2048, sequences: 1, threads: THREADS });
const sequence = context.getSequence();
const completion = new LlamaCompletion({ contextSequence: sequence });
const embedder = await model.createEmbeddingContext({ contextSize: 1024, threads: THREADS });

const reported = [];

// The model has one sequence: requests take turns.
let turn = Promise.resolve();
function inTurn(work) {
  const mine = turn.then(work);
  turn = mine.catch(() => undefined);
  return mine;
}

class RequestError extends Error {
  constructor(status, message, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function textOf(content) {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}

function dialogue(messages) {
  if (!Array.isArray(messages) || messages.length === 0) throw new RequestError(400, 'messages must not be empty');
  const speakers = { system: 'Instructions', developer: 'Instructions', user: 'User', assistant: 'Assistant' };
  const turns = messages.map(({ role, content }) => `${speakers[role] ?? 'User'}: ${textOf(content)}`);
  return `${turns.join('\n')}\nAssistant:`;
}

async function generate(body, onText, signal) {
  const prompt = model.tokenize(dialogue(body.messages));
  await sequence.clearHistory(); // every prompt token is evaluated, so the count does not depend on the past
  let outputTokens = 0;
  const { response, metadata } = await completion.generateCompletionWithMeta(prompt, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? 64,
    temperature: body.temperature ?? 0,
    seed: body.seed,
    customStopTriggers: ['\nUser:', '\nAssistant:', ...[body.stop ?? []].flat()],
    onToken: (tokens) => { outputTokens += tokens.length; },
    onTextChunk: onText,
    signal,
    stopOnAbortSignal: true,
  });
  const usage = {
    prompt_tokens: prompt.length,
    completion_tokens: outputTokens,
    total_tokens: prompt.length + outputTokens,
  };
  return { text: response, finishReason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop', usage };
}

function book(answer, operation, usage, isComplete) {
  reported.push({ id: answer.id, operation, usage, is_complete: isComplete });
}

async function answerChat(body, answer, signal) {
  const head = { id: answer.id, created: Math.floor(Date.now() / 1000), model: MODEL_NAME };
  if (!body.stream) {
    const { text, finishReason, usage } = await generate(body, undefined, signal);
    book(answer, 'chat_completions', usage, !signal.aborted);
    const message = { role: 'assistant', content: text, refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }];
    answer.json(200, { ...head, object: 'chat.completion', choices, usage });
    return;
  }
  const wantsUsage = body.stream_options?.include_usage === true;
  const chunk = (delta, finishReason = null) => answer.event({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...(wantsUsage ? { usage: null } : {}),
  });
  chunk({ role: 'assistant', content: '' });
  const { finishReason, usage } = await generate(body, (text) => chunk({ content: text }), signal);
  book(answer, 'chat_completions', usage, !signal.aborted);
  chunk({}, finishReason);
  if (wantsUsage) answer.event({ ...head, object: 'chat.completion.chunk', choices: [], usage });
  answer.end('data: [DONE]\n\n');
}

async function answerEmbeddings(body, answer) {
  const inputs = [body.input].flat();
  let tokens = 0;
  const data = [];
  for (const [index, input] of inputs.entries()) {
    tokens += model.tokenize(input).length;
    const { vector } = await embedder.getEmbeddingFor(input);
    const embedding = body.encoding_format === 'base64'
      ? Buffer.from(Float32Array.from(vector).buffer).toString('base64')
      : [...vector];
    data.push({ object: 'embedding', index, embedding });
  }
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  book(answer, 'embeddings', usage, true);
  answer.json(200, { object: 'list', data, model: MODEL_NAME, usage });
}

function answerOn(response, id) {
  const headers = { 'x-request-id': id };
  return {
    id,
    json(status, value) {
      response.writeHead(status, { ...headers, 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    },
    event(value) {
      if (!response.headersSent) response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(value)}\n\n`);
    },
    end(text) {
      response.end(text);
    },
  };
}

async function readJson(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    throw new RequestError(400, 'the body is not JSON');
  }
}

async function serve(request, response) {
  const answer = answerOn(response, `chatcmpl-${randomUUID()}`);
  const path = request.url.split('?')[0];
  const left = new AbortController();
  response.on('close', () => left.abort());
  try {
    if (path === '/health') return answer.json(200, { status: 'ok' });
    if (path === '/reported') return answer.json(200, reported);
    if (path === '/v1/models') {
      return answer.json(200, { object: 'list', data: [MODEL] });
    }
    if (path === `/v1/models/${MODEL_NAME}`) return answer.json(200, MODEL);
    if (path !== '/v1/chat/completions' && path !== '/v1/embeddings') throw new RequestError(404, `no such path: ${path}`);
    const body = await readJson(request);
    if (body.model !== MODEL_NAME) throw new RequestError(404, `no such model: ${body.model}`, 'model_not_found');
    await inTurn(() => path === '/v1/embeddings' ? answerEmbeddings(body, answer) : answerChat(body, answer, left.signal));
  } catch (error) {
    if (response.headersSent) return response.destroy();
    const status = error.status ?? 500;
    const type = status < 500 ? 'invalid_request_error' : 'server_error';
    answer.json(status, { error: { message: String(error.message ?? error), type, param: null, code: error.code ?? null } });
  }
}

const server = http.createServer(serve);
server.listen(Number(port), '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
