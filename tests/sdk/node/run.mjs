// Runs the conformance cases and prints one JSON line for each; the settings are those of the Python suite.
import './chat.mjs';
import './responses.mjs';
import './messages.mjs';
import './gemini.mjs';
import './ai.mjs';
import { CASES, Skip } from './case.mjs';

const WORKERS = 6;
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
  console.log(JSON.stringify({ ...result, ms: Math.round(performance.now() - start) }));
}

const jobs = settings.targets.flatMap((target) =>
  CASES.filter(({ client, name }) => client === target.client && (!target.cases?.length || target.cases.some((part) => name.includes(part))) && wanted.every((part) => `${client}/${target.upstream}/${name}`.includes(part)))
    .map((one) => ({ ...one, target })),
);
// Cancellation is timed, so it does not share the machine with the rest.
const timed = jobs.filter((job) => job.name.includes('cancel'));
const others = jobs.filter((job) => !job.name.includes('cancel'));
await Promise.all(Array.from({ length: WORKERS }, async () => {
  for (let job = others.shift(); job; job = others.shift()) await run(job);
}));
for (const job of timed) await run(job);
process.exit(0);
