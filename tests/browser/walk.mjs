// Walks Chromium through the web app of `megarouter-server serve`, as a person would, and runs axe on
// every screen in both themes.
//
// The environment says where: SIGN_IN (the one-time link), PROVIDER_URL (an OpenAI-compatible API with the
// model mock-small), CHROMIUM (the browser), PICTURES (a folder, optional). It prints one JSON line with the
// keys that it made: `{"kept":"...","revoked":"..."}`.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const { SIGN_IN, PROVIDER_URL, CHROMIUM, PICTURES } = process.env;
const MODEL = 'mock-small';
const STEP_LIMIT_MS = 20_000;
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'en-US' });
const page = await context.newPage();
page.setDefaultTimeout(STEP_LIMIT_MS);

const faults = [];
page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
page.on('console', (message) => {
  // Failed requests are judged by their answers below.
  if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(`console: ${message.text()}`);
});
page.on('response', (response) => {
  // A request that has just ended is asked for until it is written; until then there is no such request. Nor is there
  // its text where none is stored, which the inspector says in words.
  const isAwaited = response.status() === 404 && /\/api\/v1\/requests\/[^/]+(\/body)?$/.test(response.url());
  if (response.status() >= 400 && !isAwaited) faults.push(`${response.status()} from ${response.url()}`);
});
page.on('request', (request) => {
  const { protocol, hostname } = new URL(request.url());
  const isOurs = ['localhost', '127.0.0.1'].includes(hostname) || ['data:', 'blob:'].includes(protocol);
  if (!isOurs) faults.push(`a request left this machine: ${request.url()}`);
});

const button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const link = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true });
const field = (name) => page.getByRole('textbox', { name, exact: true });

/** Runs axe in both themes on what is shown. */
async function check(screen) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.evaluate(axeSource);
    const { passes, violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.ok(passes.length > 10, `axe looked at next to nothing on ${screen}`);
    for (const { id, help, nodes } of violations) {
      const where = nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join('; ');
      faults.push(`axe on ${screen}, ${colorScheme}: ${id} (${help}) at ${where.replace(/\s+/g, ' ')}`);
    }
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/${screen.replaceAll(' ', '-')}-${colorScheme}.png` });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Shows the secret of the key just made and returns it. */
async function shownSecret() {
  await button('Show').click();
  await button('Hide').waitFor();
  return (await page.getByTestId('key-secret').textContent()).trim();
}

async function signIn() {
  await page.goto(SIGN_IN);
  await page.getByRole('heading', { name: 'Set up MegaRouter' }).waitFor();
  assert.ok(!page.url().includes('signin'), 'the one-time token stays in the address');
  const again = await context.newPage();
  await again.goto(SIGN_IN);
  await again.getByText('megarouter-server signin-link').waitFor();
  await again.close();
}

async function firstRun() {
  await check('first run');
  await button(/^Just me/).click();
  await page.getByRole('combobox', { name: 'Provider' }).click();
  await page.getByRole('option', { name: 'OpenAI-compatible' }).click();
  await field('Base URL').fill(PROVIDER_URL);
  await button('Test').last().click(); // the first one is the step's name
  await button(/^Add with 1 model/).waitFor();
  await check('first run provider');
  await button(/^Add with 1 model/).click();
  await button('Create key').click();
  const key = await shownSecret();
  await check('first run key');
  await button('Next').click();
  await button('Send a test').click();
  await page.getByText('Your first request').waitFor();
  await check('first run test');
  await button('Go to the overview').click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return key;
}

async function createKey(name) {
  await link('Keys and apps').click();
  await button('New key').click();
  await check('new key');
  await field('Name').fill(name);
  await button('Create key').click();
  const key = await shownSecret();
  await check('key created');
  await button('Done').click();
  await button('Close anyway').click();
  await page.getByRole('row', { name: new RegExp(name) }).waitFor();
  return key;
}

async function chat() {
  await link('Playground').click();
  await check('playground empty');
  await field('Message').fill('Say a few words.');
  await button('Send').click();
  await page.getByTestId('answer-facts').getByText(/in all/).waitFor();
  await check('playground');
}

async function inspect() {
  await link('Requests').click();
  await page.getByRole('row', { name: new RegExp(MODEL) }).first().click();
  await page.getByText('Attempt 1:').waitFor();
  await check('inspector');
  for (const tab of ['Timeline', 'Messages', 'Cost']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('tabpanel').waitFor();
    if (tab === 'Messages') await page.getByRole('tabpanel').getByText(/not stored/i).first().waitFor();
    await check(`inspector ${tab.toLowerCase()}`);
  }
  await page.getByText('Replaced by the actual cost').waitFor();
}

async function revoke(name) {
  await link('Keys and apps').click();
  await page.getByRole('row', { name: new RegExp(name) }).click();
  await check('keys');
  await button('Revoke').click();
  await check('revoke');
  await button('Revoke key').click();
  await page.getByText(`${name} is revoked`).first().waitFor();
}

async function visitTheRest() {
  for (const screen of ['Overview', 'Models', 'Policies', 'Providers', 'Replay lab', 'Settings']) {
    await link(screen).click();
    await page.getByRole('heading', { name: screen, level: 1 }).waitFor();
    await page.waitForLoadState('networkidle', { timeout: 1_000 }).catch(() => undefined); // live data never rests
    await check(screen.toLowerCase());
  }
}

try {
  await signIn();
  const kept = await firstRun();
  const revoked = await createKey('browser-app');
  await chat();
  await inspect();
  await revoke('browser-app');
  await visitTheRest();
  assert.deepEqual(faults, []);
  console.log(JSON.stringify({ kept, revoked }));
} catch (error) {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/failed.png` });
  console.error(error, faults, await page.locator('body').innerText());
  process.exitCode = 1;
} finally {
  await browser.close();
}
