// Keeps what a start loads within its budget: the entry, the host and the home screen with everything
// they import, and every lazy part. Sizes in gzipped kB (1,000 bytes). Run after a build.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const budgets = { firstScripts: 90, firstStyles: 20, lazyPart: 80, everything: 900 };
const folder = "dist/assets";
const files = readdirSync(folder);
const size = (file) => gzipSync(readFileSync(join(folder, file))).length / 1000;
const scripts = files.filter((file) => file.endsWith(".js"));
const sizes = Object.fromEntries(
  files.filter((file) => /\.(js|css)$/.test(file)).map((file) => [file, size(file)]),
);

/** The chunk and everything it imports at once. */
function closure(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(folder, file), "utf8");
  for (const [, imported] of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
    closure(imported, seen);
  return seen;
}

const named = (prefix) => files.filter((file) => file.startsWith(prefix));
const entry = /assets\/(index-[\w-]+\.js)/.exec(readFileSync("dist/index.html", "utf8"))?.[1];
const start = new Set([
  entry,
  ...named("host.tauri-"),
  ...named("OverviewScreen-").filter((file) => file.endsWith(".js")),
]);
const first = new Set([...start].flatMap((file) => [...closure(file)]));
const total = (list) => list.reduce((sum, file) => sum + (sizes[file] ?? 0), 0);
const stems = [...first].map((file) => basename(file, ".js").replace(/-[\w-]{8}$/, ""));
const firstStyles = files.filter(
  (file) => file.endsWith(".css") && stems.includes(file.replace(/-[\w-]{8}\.css$/, "")),
);
const largest = scripts
  .filter((file) => !first.has(file))
  .reduce((most, file) => ((sizes[file] ?? 0) > (sizes[most] ?? 0) ? file : most), "");

const results = [
  ["scripts of a start", total([...first]), budgets.firstScripts],
  ["styles of a start", total(firstStyles), budgets.firstStyles],
  [`largest lazy part (${largest})`, sizes[largest] ?? 0, budgets.lazyPart],
  ["everything", total(Object.keys(sizes)), budgets.everything],
];
for (const [what, kilobytes, budget] of results) {
  console.log(`${what}: ${Math.round(kilobytes * 10) / 10} kB of ${budget} kB`);
}
const isGalleryInside = scripts.some((file) =>
  readFileSync(join(folder, file), "utf8").includes("gallery.invalid"),
);
if (isGalleryInside) console.error("the gallery's fixtures are in the build");
process.exit(isGalleryInside || results.some(([, kilobytes, budget]) => kilobytes > budget) ? 1 : 0);
