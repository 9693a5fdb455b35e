// Keeps the arrows of the front end: lib/ui <- lib/features <- screens, and one door to the host.
// Prints each broken import and fails.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = "src";
const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => /\.(ts|svelte)$/.test(file));

/** Each rule: which files it looks at, what they must not contain, and why. */
const rules = [
  [/^lib\/(?!host\.)/, /from ["']@tauri-apps\//, "only lib/host.*.ts talk to Tauri"],
  [/^(screens|shell)\//, /@tauri-apps\//, "only lib/host.*.ts talk to Tauri"],
  [/^(?!lib\/host\.browser)/, /(?<![#.\w])fetch\(/, "only lib/host.browser.ts fetches; use lib/api"],
  [/^lib\/ui\//, /from ["'](\$lib|\.\.)\/(features|api)\b/, "lib/ui knows no domain words"],
  [/^lib\//, /from ["'](\$lib\/)?(\.\.\/)*screens\//, "lib does not know screens"],
  [
    /^(?!lib\/(format|platform|i18n))/,
    /\.toFixed\(|toLocale\w*String\(|new Intl\./,
    "numbers and times go through lib/format.ts",
  ],
  [/^/, /["']@lucide\/svelte["']/, "icons are imported one by one"],
  [/^/, /\{@html /, "no raw HTML"],
];

const broken = files.flatMap((file) => {
  const path = file.replaceAll("\\", "/");
  const text = readFileSync(join(root, file), "utf8");
  const direct = rules.filter(([where, what]) => where.test(path) && what.test(text)).map(([, , why]) => why);
  const feature = /^lib\/features\/([^/]+)\//.exec(path)?.[1];
  const others = [...text.matchAll(/from ["'](?:\$lib\/features|\.\.)\/([a-z-]+)\//g)].map(
    (match) => match[1],
  );
  const crossed =
    feature && others.some((other) => other !== feature && !["ui", "api", "i18n"].includes(other));
  const colour =
    /^(?!styles\/tokens).*\.(svelte|css)$/.test(path) &&
    /#[0-9a-f]{6}\b|rgba?\(/i.test(text.split("<style")[1] ?? "");
  return [
    ...direct,
    ...(crossed ? ["features do not import each other"] : []),
    ...(colour ? ["colours come from styles/tokens.css"] : []),
  ].map((why) => `${path}: ${why}`);
});

if (broken.length > 0) {
  console.error(broken.join("\n"));
  process.exit(1);
}
