// A web page from elsewhere tries everything a browser lets it try against a running MegaRouter.
//
// The environment says where: TARGETS (base URLs, separated by commas), KEY (a good key, as if it had leaked
// to the page), CHROMIUM. It prints one JSON line: what the page could read and how many tries it made.
// Whether anything was changed or called is for the caller to look up.
import http from 'node:http';
import { chromium } from 'playwright-core';

const { TARGETS, KEY, CHROMIUM } = process.env;
const PATHS = [
  '/', '/healthz', '/v1/models', '/v1/chat/completions', '/v1/embeddings', '/api/v1/status', '/api/v1/keys',
  '/api/v1/providers', '/api/v1/events', '/api/v1/proxy/pause', '/api/v1/session', '/api/v1/playground/chat', '/no/such/path',
];

const elsewhere = http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<!doctype html><title>Elsewhere</title><body></body>');
});
await new Promise((listening) => elsewhere.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  // The browser's own guards are no part of ours: they differ, and change.
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-features=PrivateNetworkAccessChecks,LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests'],
});
const page = await browser.newPage();
// Not the same site as the targets, nor the same origin.
await page.goto(`http://attacker.localhost:${elsewhere.address().port}/`).catch(() => page.goto(`http://127.0.0.1:${elsewhere.address().port}/`));

/** Runs in the page. */
async function attack({ targets, paths, key }) {
  const readable = [];
  let tries = 0;
  const body = JSON.stringify({ model: 'mock-small', messages: [{ role: 'user', content: 'x' }], name: 'evil', minutes: null });
  const settled = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 5_000))]).catch(() => undefined);
  const read = async (url, how, options) => {
    tries += 1;
    await settled(fetch(url, options).then(async (answer) => {
      if (answer.type !== 'opaque') readable.push(`${how} ${url}: ${answer.status} ${await answer.text()}`);
    }));
  };
  const byElement = (name, url) => settled(new Promise((done) => {
    tries += 1;
    const element = document.createElement(name);
    element.onload = element.onerror = done;
    element.src = url;
    document.body.append(element);
  }));
  const byForm = (url, enctype) => settled(new Promise((done) => {
    tries += 1;
    const frame = Object.assign(document.createElement('iframe'), { name: `frame${tries}`, onload: done });
    const form = Object.assign(document.createElement('form'), { action: url, method: 'POST', enctype, target: frame.name });
    const input = Object.assign(document.createElement('input'), { name: body.slice(0, -1) + ',"pad":"', value: '"}' });
    form.append(input);
    document.body.append(frame, form);
    form.submit();
  }));
  const attackOne = async (url) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    navigator.sendBeacon(url, body);
    const source = new EventSource(url);
    source.onopen = () => readable.push(`event source ${url}`);
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onopen = () => readable.push(`web socket ${url}`);
    tries += 3;
    await Promise.all([
      read(url, 'cors GET', {}),
      read(url, 'cors GET with the key', { headers }),
      read(url, 'cors POST', { method: 'POST', headers, body }),
      read(url, 'simple POST', { method: 'POST', body }),
      read(url, 'opaque GET', { mode: 'no-cors' }),
      read(url, 'opaque POST', { method: 'POST', mode: 'no-cors', body }),
      byForm(url, 'text/plain'),
      byForm(url, 'application/x-www-form-urlencoded'),
      byElement('img', url),
      byElement('script', url),
      byElement('iframe', url),
      settled(new Promise((done) => { socket.onclose = done; })),
    ]);
    source.close();
  };
  for (const target of targets) await Promise.all(paths.map((path) => attackOne(target + path)));
  return { readable, tries };
}

try {
  console.log(JSON.stringify(await page.evaluate(attack, { targets: TARGETS.split(','), paths: PATHS, key: KEY })));
} finally {
  await browser.close();
  elsewhere.close();
}
