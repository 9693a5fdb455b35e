// What every case is given, and the list of all cases; the Node half of the Python suite's case.py.
import { randomUUID } from 'node:crypto';

export const CASES = [];

export const SENTENCE = 'The capital of France is Paris.';
export const UNICODE = 'Grüße aus Zürich 🇨🇭 – 東京は晴れ ☀️, "quoted" \\ and a family: 👨‍👩‍👧. \u2028 Ελλάδα';
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const PNG_BYTES = Buffer.from(PNG, 'base64').length;

// What the scripted upstream reports unless told otherwise.
export const [INPUT, CACHED, OUTPUT, REASONING] = [120, 20, 30, 10];

export const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Where' }, days: { type: 'integer' } },
  required: ['city', 'days'],
  additionalProperties: false,
};
export const PARALLEL_STEP = [
  { name: 'get_weather', args: { city: 'Zürich', days: 1 } },
  { name: 'get_weather', args: { city: '東京', days: 2 } },
];
export const PARALLEL_ARGS = PARALLEL_STEP.map((step) => step.args);

const CANCEL_LIMIT_MS = 250;

/** Thrown where a case says nothing about a pair; the text says why. */
export class Skip extends Error {}

/** Registers a case for one client dialect. */
export function test(client, name, run) {
  CASES.push({ client, name, run });
}

/** A prompt that also tells the scripted upstream what to do. */
export function ask(directive, text = 'What is the capital of France?') {
  return directive ? `${text} [mock ${JSON.stringify(directive)}]` : text;
}

export const mark = () => `mark-${randomUUID()}`;

export async function collect(stream) {
  const all = [];
  for await (const item of stream) all.push(item);
  return all;
}

/** The upstream's calls that hold `token`, once they have ended. */
export async function calls(it, token) {
  return (await fetch(`${it.mock_url}/mock/calls/${token}`)).json();
}

/** The upstream saw its client leave soon after `abortedAt`. */
export async function checkCancelled(it, token, abortedAt) {
  const call = (await calls(it, token)).at(-1);
  if (!call) throw new Error('the upstream never saw the call');
  if (call.end !== 'peer_closed') throw new Error(`the upstream's call ended as ${call.end}`);
  const late = call.closed_ms - abortedAt;
  if (late > CANCEL_LIMIT_MS) throw new Error(`the upstream saw the abort after ${late} ms`);
}

/** Runs the case only for some upstreams. */
export function only(it, upstreams, why) {
  if (!upstreams.includes(it.upstream)) throw new Skip(why);
}
