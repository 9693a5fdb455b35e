// Takes pictures of every screen of the gallery and runs axe on each: `node scripts/look.mjs [folder] [screen...]`.
// Needs a chromium (CHROMIUM names it) and starts its own gallery server. LOOK_LANGUAGE chooses a language (en, de, en-XA).
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const [folder = join(tmpdir(), "megarouter-look"), ...only] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 900, height: 600 } };
const places = [
  ["overview", "#/overview", "full"],
  ["overview-empty", "#/overview", "empty"],
  ["overview-error", "#/overview", "error"],
  ["overview-loading", "#/overview", "loading"],
  ["requests", "#/requests", "full"],
  ["requests-empty", "#/requests", "empty"],
  ["requests-error", "#/requests", "error"],
  ["requests-inspector", "#/requests?selected=FIRST", "full"],
  ["requests-cost", "#/requests?selected=FIRST&tab=cost", "full"],
  ["requests-timeline", "#/requests?selected=FIRST&tab=timeline", "full"],
  ["requests-losses", "#/requests?selected=TRANSLATED", "full"],
  ["requests-units", "#/requests?selected=TRANSLATED&tab=cost", "full"],
  ["requests-messages", "#/requests?selected=FIRST&tab=messages", "full"],
  ["requests-kept", "#/requests?selected=KEPT&tab=messages", "full"],
  ["requests-refused", "#/requests?outcome=refused&selected=REFUSED", "full"],
  ["organization", "#/organization", "full"],
  ["organization-money", "#/organization?scale=money&archived=1", "full"],
  ["organization-find", "#/organization?q=support", "full"],
  ["organization-page", "#/organization/01930009-0000-7000-8000-000000000002", "full"],
  ["organization-new", "#/organization", "full", "Control+n"],
  ["organization-move", "#/organization/01930009-0000-7000-8000-000000000003", "full", "m"],
  ["organization-empty", "#/organization", "empty"],
  ["organization-error", "#/organization", "error"],
  ["organization-loading", "#/organization", "loading"],
  ["organization-crowd", "#/organization", "full&members=5000"],
  ["budgets", "#/budgets", "full"],
  ["budgets-page", "#/budgets/0193000a-0000-7000-8000-000000000002", "full"],
  ["budgets-each", "#/budgets/0193000a-0000-7000-8000-000000000006", "full"],
  ["budgets-explain", "#/budgets/0193000a-0000-7000-8000-000000000003?request=REFUSED", "full"],
  ["budgets-edit", "#/budgets/0193000a-0000-7000-8000-000000000002", "full", "e"],
  ["budgets-new", "#/budgets", "full", "Control+n"],
  ["budgets-archived", "#/budgets?show=all", "full"],
  ["budgets-empty", "#/budgets", "empty"],
  ["budgets-error", "#/budgets", "error"],
  ["budgets-loading", "#/budgets", "loading"],
  ["models", "#/models", "full"],
  ["models-empty", "#/models", "empty"],
  ["models-error", "#/models", "error"],
  ["models-loading", "#/models", "loading"],
  ["models-filtered", "#/models?mode=chat&can=tools,reasoning&price=..2&q=pro", "full"],
  ["models-cards", "#/models?view=cards", "full"],
  ["models-scatter", "#/models?view=scatter&mode=chat", "full"],
  [
    "models-compare",
    "#/models?view=compare&compare=openai%252Fgpt-5,openai%252Fgpt-5-mini,groq%252Fllama-3.3-70b-versatile",
    "full",
  ],
  ["models-page", "#/models?selected=openai%2Fgpt-5-mini", "full"],
  ["models-prices", "#/models?selected=openai%2Fgpt-5&tab=prices", "full"],
  ["models-use", "#/models?selected=openai%2Fgpt-5&tab=use", "full"],
  ["models-names", "#/models?selected=openai%2Fgpt-5&tab=names", "full"],
  ["models-radar", "#/models?view=radar", "full"],
  ["policies", "#/policies", "full"],
  ["policies-empty", "#/policies", "empty"],
  ["policies-error", "#/policies", "error"],
  ["policies-loading", "#/policies", "loading"],
  ["policies-page", "#/policies/0193000c-0000-7000-8000-000000000001", "full"],
  ["policies-graph", "#/policies/0193000c-0000-7000-8000-000000000001?tab=graph", "full"],
  ["policies-text", "#/policies/0193000c-0000-7000-8000-000000000001?tab=text", "full"],
  ["policies-whatif", "#/policies/0193000c-0000-7000-8000-000000000001?tab=whatif", "full"],
  ["policies-versions", "#/policies/0193000c-0000-7000-8000-000000000001?tab=versions", "full"],
  ["policies-new", "#/policies?new=1", "full"],
  ["policies-report", "#/policies?view=report", "full"],
  ["policies-report-empty", "#/policies?view=report", "empty"],
  ["replay", "#/replay", "full"],
  ["replay-empty", "#/replay", "empty"],
  ["replay-error", "#/replay", "error"],
  ["replay-loading", "#/replay", "loading"],
  ["replay-page", "#/replay/0193000d-0000-7000-8000-000000000002", "full"],
  ["replay-blind", "#/replay/0193000d-0000-7000-8000-000000000003?item=2", "full"],
  ["replay-new", "#/replay?new=1", "full"],
  ["providers", "#/providers", "full"],
  ["providers-add", "#/providers?add=1", "full"],
  ["providers-add-cloud", "#/providers?add=vertex", "full"],
  ["providers-empty", "#/providers", "empty"],
  ["keys", "#/keys", "full"],
  ["keys-new", "#/keys", "full", "Control+n"],
  ["keys-page", "#/keys?selected=01930005-0000-7000-8000-000000000001", "full"],
  ["keys-edit", "#/keys/01930005-0000-7000-8000-000000000001", "full", "e"],
  ["keys-empty", "#/keys", "empty"],
  ["playground", "#/playground", "full"],
  ["settings", "#/settings", "full"],
  ["first-run", "#/first-run", "empty"],
  ["palette", "#/overview", "full", "Control+k"],
  ["keyboard", "#/overview", "full", "Shift+?"],
].filter(([name]) => only.length === 0 || only.some((wanted) => name.startsWith(wanted)));

mkdirSync(folder, { recursive: true });
const server = await createServer({
  mode: "gallery",
  server: { port: 0, strictPort: false },
  logLevel: "error",
});
await server.listen();
const base = server.resolvedUrls.local[0];
const context = await chromium.launchPersistentContext(
  mkdtempSync(join(tmpdir(), "megarouter-look-profile-")),
  {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
);
let violations = 0;
const page = await context.newPage();
if (process.env.LOOK_LANGUAGE)
  await page.addInitScript(
    (language) => localStorage.setItem("megarouter.language", language),
    process.env.LOOK_LANGUAGE,
  );
page.on("pageerror", (error) => console.log(`page error: ${error.message}`));
page.on("console", (message) => message.type() === "error" && console.log(`console: ${message.text()}`));

for (const [name, hash, state, keys] of places) {
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${base}?state=${state}&look=${name}-${theme}-${size}#/blank`);
      const first = "01930006-0000-7000-8000-00000001869e";
      const refused = "01930006-0000-7000-8000-000000018699";
      const kept = "01930006-0000-7000-8000-000000018699";
      const translated = "01930006-0000-7000-8000-000000018697";
      await page.evaluate(
        (target) => {
          location.hash = target;
        },
        hash
          .replace("FIRST", first)
          .replace("KEPT", kept)
          .replace("TRANSLATED", translated)
          .replace("REFUSED", refused),
      );
      await page.waitForSelector("main h1");
      // The first visit of a screen waits for the server to compile it.
      if (!name.includes("loading"))
        await page.waitForFunction(() => !document.querySelector("main .skeleton"), null, {
          timeout: 10_000,
        });
      await page.waitForTimeout(500);
      if (keys) {
        await page.keyboard.press(keys);
        await page.waitForTimeout(400);
      }
      await page.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`) });
      await page.evaluate(axe);
      const result = await page.evaluate(() => window.axe.run(document));
      const elements = await page.evaluate(() => document.querySelectorAll("*").length);
      for (const violation of result.violations) {
        violations += 1;
        console.log(
          `${name} ${theme} ${size}: ${violation.id}: ${violation.help}: ${violation.nodes[0].html.slice(0, 160)}: ${violation.nodes[0].any?.[0]?.message ?? ""}`,
        );
      }
      if (theme === "light" && size === "wide")
        console.log(`${name}: ${elements} elements, ${result.violations.length} violations`);
    }
  }
}
await context.close();
await server.close();
console.log(`${violations} violations; pictures in ${folder}`);
process.exit(violations > 0 ? 1 : 0);
