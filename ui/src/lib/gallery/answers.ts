/** What the gallery answers to each call. */
import type { Cost, Figures, Overview, RequestRow } from "../api";
import { addMoney } from "../format";
import type { Method } from "../host";
import { catalogueStatus, detailFor } from "./catalogue";
import { detailOf, fixtures } from "./fixtures";
import { courseOf, crowded, govern, importOf, simulationOf, subjectsOf, usageOf } from "./govern";
import { decisionFor, routingAnswer, savingsOf } from "./routing";

export type GalleryState = "full" | "empty" | "error" | "loading" | "slow";

interface Answer {
  status: number;
  json: unknown;
}

const ok = (json: unknown, status = 200): Answer => ({ status, json });
const missing: Answer = {
  status: 404,
  json: { error: { code: "not_found", message: "There is nothing here.", field: null } },
};

const unlisted: Answer = {
  status: 404,
  json: {
    error: { code: "catalog.not_found", message: "The catalogue does not know this model.", field: null },
  },
};

/** Price history, and the preview of a replacement. */
function modelAnswer(path: string, method: Method): Answer | undefined {
  const [, id, what] = /^\/models\/([^/]+)\/(\w+)$/.exec(path) ?? [];
  const model = fixtures.models.find((one) => one.id === id);
  if (model === undefined) return undefined;
  if (what === "prices" && method === "GET") {
    return ok(
      model.deployments.map(({ id: deployment_id, provider, upstream_model, price }) => ({
        deployment_id,
        provider,
        upstream_model,
        versions:
          price === null
            ? []
            : [
                {
                  id: price.id,
                  valid_from: price.valid_from,
                  rates: price.rates,
                  tiers: price.tiers,
                  source: price.source,
                },
              ],
      })),
    );
  }
  const keys = fixtures.keys.slice(0, 2).map(({ id: key_id, name, state, last_24h }, index) => ({
    key_id,
    name,
    state,
    ...last_24h,
    is_named: index === 1,
  }));
  if (what === "users")
    return ok({
      since: new Date().toISOString(),
      requests: 76,
      cost: { state: "not_billable", amount: "0" },
      keys,
    });
  if (what === "replace")
    return ok({ is_done: false, names: [model.name, ...model.aliases], keys, replacement: model });
  return undefined;
}

function costOf(rows: readonly RequestRow[]): Cost {
  const amount = addMoney(rows.map((row) => row.cost.amount));
  if (rows.some((row) => row.cost.state === "unknown")) return { state: "unknown", amount };
  if (rows.some((row) => row.cost.state === "estimated")) return { state: "estimated", amount };
  return { state: amount === "0" ? "not_billable" : "exact", amount };
}

function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function figuresOf(rows: readonly RequestRow[]): Figures {
  const times = rows.filter((row) => row.status === 200).map((row) => row.total_us);
  return {
    cost: costOf(rows),
    requests: rows.length,
    errors: rows.filter((row) => row.status >= 400).length,
    input_tokens: sum(rows.map((row) => row.usage.total_input)),
    output_tokens: sum(rows.map((row) => row.usage.total_output)),
    p50_us: percentile(times, 0.5),
    p95_us: percentile(times, 0.95),
    unknown_cost_requests: rows.filter((row) => row.cost.state === "unknown").length,
    estimated_requests: rows.filter((row) => row.cost.state === "estimated").length,
  };
}

function filtered(rows: readonly RequestRow[], query: URLSearchParams): RequestRow[] {
  const wanted = (name: string, value: string | null) => !query.get(name) || query.get(name) === value;
  const text = query.get("q")?.toLowerCase() ?? "";
  return rows.filter(
    (row) =>
      row.started_at >= (query.get("from") ?? "") &&
      (!query.get("to") || row.started_at < (query.get("to") ?? "")) &&
      wanted("model", row.model) &&
      wanted("provider", row.provider) &&
      wanted("key_id", row.key_id) &&
      wanted("outcome", row.outcome) &&
      `${row.id} ${row.model_asked} ${row.model} ${row.provider} ${row.key_name} ${row.user_agent}`
        .toLowerCase()
        .includes(text),
  );
}

function groups(rows: readonly RequestRow[], name: (row: RequestRow) => string): [string, RequestRow[]][] {
  const grouped = new Map<string, RequestRow[]>();
  for (const row of rows) grouped.set(name(row), [...(grouped.get(name(row)) ?? []), row]);
  return [...grouped].sort(
    ([, left], [, right]) => Number(costOf(right).amount) - Number(costOf(left).amount),
  );
}

function overview(rows: readonly RequestRow[], query: URLSearchParams): Overview {
  const from = query.get("from") ?? new Date(Date.now() - 86_400_000).toISOString();
  const to = query.get("to") ?? new Date().toISOString();
  const span = Date.parse(to) - Date.parse(from);
  const step = span > 3 * 86_400_000 ? 86_400_000 : span > 7_300_000 ? 3_600_000 : 300_000;
  const inside = filtered(rows, query);
  const before = new Date(Date.parse(from) - span).toISOString();
  const previous = rows.filter((row) => row.started_at >= before && row.started_at < from);
  const first = Math.floor(Date.parse(from) / step) * step;
  const series = Array.from({ length: Math.ceil((Date.parse(to) - first) / step) }, (_, index) => {
    const at = new Date(first + index * step).toISOString();
    const end = new Date(first + (index + 1) * step).toISOString();
    const { cost, ...figures } = figuresOf(
      inside.filter((row) => row.started_at >= at && row.started_at < end),
    );
    return { at, ...figures, cost: cost.amount };
  });
  return {
    from,
    to,
    bucket: step === 86_400_000 ? "day" : step === 3_600_000 ? "hour" : "5m",
    as_of: new Date().toISOString(),
    savings: savingsOf(query.get("key_id") !== null, inside.length === 0),
    current: figuresOf(inside),
    previous: figuresOf(previous),
    series,
    by_model: groups(inside, (row) => row.model ?? row.model_asked).map(([name, all]) => ({
      name,
      cost: costOf(all),
      requests: all.length,
    })),
    by_key: groups(inside, (row) => row.key_id).map(([key_id, all]) => ({
      key_id,
      name: all[0]?.key_name ?? "",
      cost: costOf(all),
      requests: all.length,
    })),
  };
}

function page(rows: readonly RequestRow[], query: URLSearchParams) {
  const inside = filtered(rows, query);
  const start = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 100);
  const end = start + limit;
  return {
    rows: inside.slice(start, end),
    next_cursor: end < inside.length ? String(end) : null,
    total: { requests: inside.length, cost: costOf(inside) },
  };
}

/** The organisation, the budgets and the ledger. */
function governAnswer(
  isEmpty: boolean,
  method: Method,
  pathname: string,
  query: URLSearchParams,
  body: unknown,
): Answer | undefined {
  const [, budgetId, what] = /^\/budgets\/([^/]+)\/?(.*)$/.exec(pathname) ?? [];
  const budget = govern.budgets.find((one) => one.id === budgetId);
  if (budget !== undefined) {
    if (what === "course") return ok(courseOf(budget));
    if (what === "subjects") return ok(subjectsOf(budget));
    return ok(budget);
  }
  if (/^\/(units\/.+|organization)$/.test(pathname) && method === "PATCH") return ok(govern.tree.units[0]);
  switch (`${method} ${pathname}`) {
    case "GET /units": {
      const members = Number(new URLSearchParams(location.search).get("members") ?? 0);
      if (isEmpty)
        return ok({
          organization: {
            ...govern.tree.organization,
            name: "",
            keys: 0,
            requests: 0,
            cost: { state: "not_billable", amount: "0" },
            budget: null,
          },
          units: [],
        });
      return ok(members > 0 ? crowded(members) : govern.tree);
    }
    case "POST /units":
      return ok(govern.tree.units[0], 201);
    case "POST /units/import":
      return ok(importOf(body));
    case "GET /budgets":
      return ok(isEmpty ? [] : govern.budgets);
    case "POST /budgets":
      return ok(govern.budgets[0], 201);
    case "POST /budgets/simulate":
      return ok(simulationOf(body));
    case "GET /usage":
      return ok(isEmpty ? { ...usageOf(null), rows: [] } : usageOf(query.get("unit")));
    case "GET /ledger":
      return ok(
        isEmpty ? { ...govern.ledger, entries: 0, last_backup: null, verification: null } : govern.ledger,
      );
    case "POST /ledger/verify":
    case "GET /ledger/verify":
      return ok(govern.ledger.verification);
    case "POST /ledger/backup":
      return ok(govern.ledger.last_backup, 201);
    case "GET /nodes":
      return ok({ is_cluster: false, this: null, nodes: [] });
    default:
      return undefined;
  }
}

const diagnosis = {
  is_ok: true,
  code: null,
  message: "The provider answered.",
  next_step: null,
  latency_us: 184_000,
  status: 200,
  models: ["gpt-5", "gpt-5-mini", "text-embedding-3-small"],
};

/** The answer to one call in the given state. */
export function answer(state: GalleryState, method: Method, path: string, body: unknown): Answer {
  const { pathname, searchParams } = new URL(path, "http://gallery.invalid");
  const isEmpty = state === "empty";
  const rows = isEmpty ? [] : fixtures.requests;
  const status = isEmpty
    ? {
        ...fixtures.status,
        first_run: true,
        today: { cost: { state: "not_billable", amount: "0" }, requests: 0 },
      }
    : fixtures.status;
  if (pathname.endsWith("/test")) return ok(diagnosis);
  if (pathname.endsWith("/discover")) {
    const ids = ["gpt-5", "gpt-5-mini", "gpt-5-preview-0711", "text-embedding-3-small"];
    const models = ids.map((id, index) => ({
      id,
      name: null,
      is_known: index !== 2,
      is_adopted: index < 2,
      context: null,
      max_output: null,
    }));
    return ok({ models, at: new Date().toISOString() });
  }
  const found = rows.find((row) => pathname === `/requests/${row.id}`);
  if (found) return ok({ ...detailOf(found), decision: decisionFor(found) });
  const known =
    modelAnswer(pathname, method) ??
    routingAnswer(isEmpty, method, pathname, body) ??
    governAnswer(isEmpty, method, pathname, searchParams, body);
  if (known) return known;
  switch (`${method} ${pathname}`) {
    case "GET /status":
    case "POST /proxy/resume":
      return ok(status);
    case "POST /proxy/pause":
      return ok({ ...status, proxy: { ...status.proxy, state: "paused" } });
    case "GET /settings":
    case "PATCH /settings":
      return ok(fixtures.settings);
    case "GET /provider-kinds":
      return ok(fixtures.kinds);
    case "GET /providers":
      return ok(isEmpty ? [] : fixtures.providers);
    case "POST /providers":
      return ok(fixtures.providers[0], 201);
    case "GET /providers/detected":
      return ok({
        local_servers: [
          { kind: "ollama", name: "Ollama", base_url: "http://127.0.0.1:11434/v1", models: ["qwen3:8b"] },
        ],
        environment: [{ kind: "openai", name: "OpenAI", variable: "OPENAI_API_KEY" }],
      });
    case "GET /models":
      return ok(isEmpty ? [] : fixtures.models);
    case "POST /models":
      return ok(fixtures.models[0], 201);
    case "GET /catalog":
      return ok(isEmpty ? { ...fixtures.catalogue, models: [] } : fixtures.catalogue);
    case "GET /catalog/status":
    case "POST /catalog/refresh":
      return ok(isEmpty ? { ...catalogueStatus, refresh: null } : catalogueStatus);
    case "GET /catalog/model": {
      const [kind, id] = [searchParams.get("kind") ?? "", searchParams.get("id") ?? ""];
      const detail = detailFor(fixtures.catalogue, fixtures.models, kind, id);
      return detail ? ok(detail) : unlisted;
    }
    case "GET /keys":
      return ok(isEmpty ? fixtures.keys.filter((key) => key.is_builtin) : fixtures.keys);
    case "POST /keys":
      return ok({ key: fixtures.keys[0], secret: "mr-gallery-only-0000000000000000" }, 201);
    case "GET /overview":
      return ok(overview(rows, searchParams));
    case "GET /requests":
      return ok(page(rows, searchParams));
    case "GET /reports":
      return ok([]);
    default:
      return method === "GET" ? missing : ok(fixtures.models.slice(0, 1));
  }
}

const answerText = "Here is a **short** answer.\n\n```python\nprint('hello')\n```\n\n- one\n- two\n";

/** A streamed chat answer in pieces. */
export const playgroundChunks = [
  ...(answerText
    .match(/.{1,6}/gs)
    ?.map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`) ?? []),
  "data: [DONE]\n\n",
];
