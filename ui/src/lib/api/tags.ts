import type { Operation } from "./operations";

/** What an answer is made of; the server names the changed ones in its events. */
export type Tag =
  | "providers"
  | "models"
  | "keys"
  | "settings"
  | "requests"
  | "status"
  | "catalog"
  | "units"
  | "budgets"
  | "ledger"
  | "nodes"
  | "policies"
  | "feedback"
  | "replays";

/** The tags of each cached read, by path. Others are fetched anew each time. */
const tagsByPath: [prefix: string, tags: Tag[]][] = [
  ["/status", ["status"]],
  ["/settings", ["settings"]],
  ["/provider-kinds", []],
  ["/providers", ["providers", "models"]],
  ["/catalog", ["catalog", "models", "providers"]],
  ["/models", ["models", "providers"]],
  ["/keys", ["keys"]],
  ["/requests", ["requests"]],
  ["/units", ["units", "budgets", "keys"]],
  ["/budgets", ["budgets", "units"]],
  ["/usage", ["requests", "models", "keys", "units"]],
  ["/ledger", ["ledger"]],
  ["/nodes", ["nodes"]],
  ["/policies", ["policies"]],
  ["/strategies", []],
  ["/counterfactual", ["requests"]],
  ["/feedback", ["feedback"]],
  ["/router", ["feedback"]],
  ["/replays", ["replays"]],
  ["/radar", ["models", "catalog", "requests"]],
  ["/overview", ["requests", "models", "keys"]],
];

/** The tags of an operation's answer. */
export function tagsOf(operation: Operation): Tag[] {
  const path = operation.split(" ")[1] ?? "";
  return tagsByPath.find(([prefix]) => path.startsWith(prefix))?.[1] ?? [];
}

/** The tags an operation changes. */
export function changedBy(operation: Operation): Tag[] {
  const path = operation.split(" ")[1] ?? "";
  if (path.startsWith("/proxy")) return ["status"];
  if (/^\/policies\/(read|write|diff|simulate)$/.test(path) || path.startsWith("/route/")) return [];
  if (path.startsWith("/policies")) return ["policies"];
  if (path.includes("/feedback") || path.startsWith("/router")) return ["feedback"];
  if (path.endsWith("/promote") || path.endsWith("/revert")) return ["replays", "models"];
  if (path.startsWith("/replays")) return ["replays"];
  if (path.startsWith("/radar")) return ["models", "providers", "catalog"];
  if (path.startsWith("/providers") && !path.endsWith("/test")) return ["providers", "models", "status"];
  if (path.includes("/replace")) return ["models", "providers", "keys"];
  if (path.startsWith("/models")) return ["models", "providers"];
  if (path.startsWith("/catalog")) return ["catalog", "models"];
  if (path.startsWith("/keys")) return ["keys", "units"];
  if (path.startsWith("/units") || path.startsWith("/organization")) return ["units", "budgets", "keys"];
  if (path === "/budgets/simulate") return [];
  if (path.startsWith("/budgets")) return ["budgets"];
  if (path.startsWith("/ledger") || path.startsWith("/attempts")) return ["ledger", "requests", "budgets"];
  if (path.startsWith("/nodes")) return ["nodes", "budgets"];
  if (path.startsWith("/settings")) return ["settings", "status", "catalog"];
  return [];
}
