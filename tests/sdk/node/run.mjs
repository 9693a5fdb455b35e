// Runs the conformance cases and prints one JSON line for each; the settings are those of the Python suite.
import './chat.mjs';
import './responses.mjs';
import './messages.mjs';
import './gemini.mjs';
import './ai.mjs';
import { CASES, Skip } from './case.mjs';

const WORKERS = 6;
// Times are promised by the program, not by a shared machine: the best of so many tries counts.
const TIMED_TRIES = 3;
const settings = JSON.parse(process.env.CONFORMANCE);
const wanted = process.argv.slice(2);

async function run({ target, name, run: body }) {
  const start = performance.now();
  const result = { runtime: 'node', client: target.client, upstream: target.upstream, model: target.model, case: name };
  try {
    await body({ ...settings, ...target });
    result.outcome = 'passed';
  } catch (error) {
    result.outcome = error instanceof Skip ? 'skipped' : 'failed';
    const where = error.stack?.match(/(\w+\.mjs:\d+)/)?.[1] ?? '';
    const cause = error.cause ? ` (${error.cause.message ?? error.cause})` : '';
    result.detail = `${where} ${error.name}: ${error.message}${cause}`.slice(0, 1500);
  }
  return { ...result, ms: Math.round(performance.now() - start) };
}

const print = (result) => console.log(JSON.stringify(result));

const jobs = settings.targets.flatMap((target) =>
  CASES.filter(({ client, name }) => client === target.client && (!target.cases?.length || target.cases.some((part) => name.includes(part))) && wanted.every((part) => `${client}/${target.upstream}/${name}`.includes(part)))
    .map((one) => ({ ...one, target })),
);
// Cancellation is timed, so it does not share the machine with the rest.
const timed = jobs.filter((job) => job.name.includes('cancel'));
const others = jobs.filter((job) => !job.name.includes('cancel'));
await Promise.all(Array.from({ length: WORKERS }, async () => {
  for (let job = others.shift(); job; job = others.shift()) print(await run(job));
}));
for (const job of timed) {
  let result = await run(job);
  for (let tries = 1; result.outcome === 'failed' && tries < TIMED_TRIES; tries += 1) result = await run(job);
  print(result);
}
process.exit(0);
