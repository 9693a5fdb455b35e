/** A small invented installation: three providers, four models, three keys, a day of requests. */
import type {
  Attempt,
  Cost,
  Key,
  Loss,
  Model,
  Outcome,
  Provider,
  ProviderKind,
  RequestDetail,
  RequestRow,
  Settings,
  Status,
} from "../api";
import { catalogueFor } from "./catalogue";
import { otherBudgets, refsOf, refusal } from "./govern";

const now = Date.now();

/** The same numbers on every start, so that pictures can be compared. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const random = randomFrom(7);
const ago = (milliseconds: number) => new Date(now - milliseconds).toISOString();
const id = (kind: number, index: number) =>
  `0193${kind.toString(16).padStart(4, "0")}-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;
const cost = (state: Cost["state"], amount: number): Cost => ({ state, amount: String(Math.round(amount)) });

const status: Status = {
  version: "0.1.0",
  mode: "desktop",
  platform: "linux",
  proxy: {
    state: "running",
    addresses: ["127.0.0.1:4180", "[::1]:4180"],
    base_url: "http://127.0.0.1:4180/v1",
    paused_until: null,
    error: null,
  },
  ledger: { state: "ok", durable_lsn: 18_204, queued: 0, error: null },
  secret_store: { kind: "keychain", state: "ready", detail: "The login keyring of this desktop" },
  data_dir: "/home/ada/.local/share/megarouter",
  first_run: false,
  today: { cost: cost("exact", 4_120_000_000), requests: 412 },
};

const settings: Settings = {
  proxy_port: 4180,
  proxy_port_in_use: 4180,
  keep_running_on_close: true,
  needs_restart: false,
  catalogue_refresh: false,
  unknown_price: "deny",
  bodies: { is_on: false, retention_days: 30, max_mb: 500, redacts: true },
  savings_baseline: "asked",
  redaction_patterns: [],
  probes: false,
};

const kind = (
  kindId: string,
  name: string,
  base_url: string,
  change: Partial<ProviderKind> = {},
): ProviderKind => ({
  id: kindId,
  name,
  base_url,
  variables: [],
  base_url_is_fixed: false,
  auth: "bearer",
  credential_hint: "The API key from the provider's console.",
  dialects: ["openai_chat"],
  operations: [],
  lists_models: true,
  retired_on: null,
  needs_credential: true,
  is_local: false,
  credential_variables: [],
  key_prefixes: [],
  docs_url: "https://example.com/docs",
  docs_date: "2026-11-01",
  note: null,
  ...change,
});

const local = { is_local: true, needs_credential: false };
const region = (value: string) => ({
  name: "region",
  label: "Region",
  hint: `As in its console, for example ${value}`,
  default: value,
  choices: [],
});

const kinds = [
  kind("openai", "OpenAI", "https://api.openai.com/v1", {
    dialects: ["openai_responses", "openai_chat"],
    operations: ["embeddings", "images", "speech", "transcriptions", "moderations"],
    credential_variables: ["OPENAI_API_KEY"],
    key_prefixes: ["sk-"],
  }),
  kind("anthropic", "Anthropic", "https://api.anthropic.com/v1", {
    auth: "header",
    dialects: ["anthropic"],
    key_prefixes: ["sk-ant-"],
  }),
  kind("gemini", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta", {
    auth: "header",
    dialects: ["gemini", "openai_chat"],
    operations: ["embeddings"],
  }),
  kind("groq", "Groq", "https://api.groq.com/openai/v1", {
    credential_variables: ["GROQ_API_KEY"],
    key_prefixes: ["gsk_"],
  }),
  kind("bedrock", "Amazon Bedrock", "https://bedrock-runtime.{region}.amazonaws.com", {
    auth: "aws_sigv4",
    credential_hint:
      "A Bedrock API key, or ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN at the end for temporary keys.",
    dialects: ["bedrock_converse"],
    variables: [region("us-east-1")],
  }),
  kind(
    "vertex",
    "Google Vertex AI",
    "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}",
    {
      auth: "google_service_account",
      credential_hint: "The whole JSON file of a service account's key.",
      dialects: ["gemini", "anthropic"],
      variables: [
        region("europe-west4"),
        { name: "project", label: "Project", hint: "The project's id", default: null, choices: [] },
      ],
    },
  ),
  kind("azure", "Azure OpenAI", "https://{resource}.openai.azure.com/openai/v1", {
    auth: "header",
    variables: [
      { name: "resource", label: "Resource", hint: "The name of your resource", default: null, choices: [] },
    ],
  }),
  kind("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", { key_prefixes: ["sk-or-"] }),
  kind("mistral", "Mistral", "https://api.mistral.ai/v1"),
  kind("together", "Together AI", "https://api.together.xyz/v1"),
  kind("fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1"),
  kind("ollama", "Ollama", "http://127.0.0.1:11434/v1", local),
  kind("vllm", "vLLM", "http://127.0.0.1:8000/v1", local),
  kind("openai_compatible", "OpenAI-compatible", ""),
  kind("anthropic_compatible", "Anthropic-compatible", "", { auth: "header", dialects: ["anthropic"] }),
];

function provider(index: number, name: string, kindId: string, change: Partial<Provider> = {}): Provider {
  const found = kinds.find((one) => one.id === kindId);
  return {
    id: id(1, index),
    name,
    kind: kindId,
    kind_name: found?.name ?? kindId,
    base_url: found?.base_url ?? "",
    credential: {
      source: "stored",
      variable: null,
      state: "ready",
      detail: null,
      stored_in: "Login keyring",
    },
    dialects: [],
    is_enabled: true,
    is_local: found?.is_local ?? false,
    region: index === 1 ? "eu" : null,
    keeps_prompts: index === 1 ? false : null,
    pool: [],
    models: 2,
    last_24h: { requests: 240, errors: 2, p95_us: 1_420_000, cost: cost("exact", 3_104_500_000) },
    ...change,
  };
}

const providers = [
  provider(1, "openai", "openai", {
    pool: [
      {
        id: id(14, 1),
        name: "Second account",
        is_enabled: true,
        credential: {
          source: "stored",
          variable: null,
          state: "ready",
          detail: null,
          stored_in: "Login keyring",
        },
      },
      {
        id: id(14, 2),
        name: "Spare",
        is_enabled: false,
        credential: {
          source: "environment",
          variable: "OPENAI_SPARE_KEY",
          state: "ready",
          detail: null,
          stored_in: null,
        },
      },
    ],
  }),
  provider(2, "groq", "groq", {
    credential: {
      source: "environment",
      variable: "GROQ_API_KEY",
      state: "ready",
      detail: null,
      stored_in: null,
    },
    last_24h: { requests: 96, errors: 14, p95_us: 610_000, cost: cost("estimated", 310_000_000) },
    models: 1,
  }),
  provider(3, "ollama", "ollama", {
    credential: { source: "none", variable: null, state: "none", detail: null, stored_in: null },
    last_24h: { requests: 76, errors: 0, p95_us: 4_900_000, cost: cost("not_billable", 0) },
    models: 1,
  }),
];

function model(index: number, name: string, at: Provider | undefined, rates: [string, string] | null): Model {
  const price = rates && {
    id: id(3, index),
    valid_from: ago(9e9),
    rates: { input: rates[0], output: rates[1] },
    tiers: [],
    source: index === 2 ? "Contract of March, entered by hand" : "catalogue 2026-11-22 (Price map 1.109.1)",
  };
  return {
    id: id(2, index),
    name,
    aliases: index === 1 ? ["fast"] : [],
    created_at: ago(8e9),
    deployments: [
      {
        id: id(4, index),
        provider_id: at?.id ?? "",
        provider: at?.name ?? "",
        upstream_model: name,
        price,
        is_free: rates?.[0] === "0",
        max_output_tokens: null,
        can_reason: null,
        is_catalogue_price: price !== null && index !== 2,
      },
    ],
  };
}

const models = [
  model(1, "gpt-5-mini", providers[0], ["0.25", "2"]),
  model(2, "gpt-5", providers[0], ["1.25", "10"]),
  model(3, "llama-3.3-70b-versatile", providers[1], null),
  model(4, "qwen3:8b", providers[2], ["0", "0"]),
];

const key = (index: number, name: string, change: Partial<Key> = {}): Key => ({
  id: id(5, index),
  name,
  hint: `mr-...${["a91f", "03cc", "7be2"][index % 3]}`,
  models: null,
  created_at: ago(6e9),
  expires_at: null,
  revoked_at: null,
  state: "active",
  is_builtin: false,
  is_strict: index === 2,
  last_used_at: index === 4 ? null : ago(240_000),
  last_24h: { requests: 140, cost: cost("exact", 1_800_000_000) },
  flags: ["no_expiry", "all_models"],
  owner: [],
  project: null,
  ...change,
});

const keys = [
  key(1, "Editor", {
    owner: refsOf("Ada Okafor"),
    project: refsOf("Atlas launch")[0] ?? null,
    last_24h: { requests: 240, cost: cost("exact", 2_904_000_000) },
  }),
  key(2, "Nightly report", {
    owner: refsOf("Nightly report"),
    models: ["gpt-5-mini"],
    expires_at: new Date(now + 9e8).toISOString(),
    flags: [],
  }),
  key(3, "Old laptop", {
    state: "revoked",
    revoked_at: ago(5e8),
    flags: ["unused_30_days"],
    last_used_at: ago(4e9),
    last_24h: { requests: 0, cost: cost("not_billable", 0) },
  }),
  key(4, "Playground", {
    is_builtin: true,
    flags: [],
    last_24h: { requests: 32, cost: cost("exact", 120_000_000) },
  }),
];

const noUsage = {
  input: null,
  cached_read: null,
  cache_write: null,
  cache_write_1h: null,
  output: null,
  reasoning: null,
  audio_input: null,
  audio_output: null,
  image_input: null,
  image_output: null,
  images: null,
  audio_ms: null,
  characters: null,
  searches: null,
  service_tier: null,
  total_input: null,
  total_output: null,
};

const losses: Loss[] = [
  { what: "top_k", why: "unsupported" },
  { what: "thinking.signature", why: "foreign" },
  { what: "thinking.budget_tokens", why: "approximated" },
  { what: "context_management", why: "unread" },
];

function outcomeFor(roll: number): Outcome {
  if (roll > 0.97) return "refused";
  if (roll > 0.94) return "failed";
  if (roll > 0.92) return "client_left";
  return roll > 0.91 ? "truncated" : "completed";
}

const errors: Partial<Record<Outcome, string>> = {
  refused: "budget.exceeded",
  failed: "upstream.error",
  truncated: "upstream.truncated",
  client_left: "client.left",
};

function row(index: number): RequestRow {
  const roll = random();
  const outcome = index === 7 ? "refused" : outcomeFor(roll);
  const served = models[Math.floor(random() ** 1.6 * models.length)] ?? models[0];
  const caller = keys[[0, 0, 1, 3][Math.floor(random() * 4)] ?? 0] ?? keys[0];
  const isServed = outcome !== "refused" && outcome !== "failed";
  const input = 200 + Math.floor(random() * 9_000);
  const output = 40 + Math.floor(random() * 1_400);
  const total = 300_000 + Math.floor(random() ** 2 * 9_000_000);
  const price = served?.deployments[0]?.price;
  const isPriced = Boolean(price) && isServed;
  const nanos = price
    ? input * Number(price.rates.input) * 1_000 + output * Number(price.rates.output) * 1_000
    : 0;
  const known = isPriced
    ? cost(index % 17 === 3 ? "estimated" : nanos > 0 ? "exact" : "not_billable", nanos)
    : cost("unknown", 0);
  return {
    id: id(6, 100_000 - index),
    started_at: ago(index * 61_000 + Math.floor(random() * 50_000)),
    key_id: caller?.id ?? "",
    key_name: caller?.name ?? "",
    operation: index % 23 === 5 ? "embeddings" : index % 4 === 1 ? "messages" : "chat_completions",
    model_asked: index % 9 === 2 ? "fast" : (served?.name ?? ""),
    model: served?.name ?? null,
    provider: isServed ? (served?.deployments[0]?.provider ?? null) : null,
    upstream_model: isServed ? (served?.deployments[0]?.upstream_model ?? null) : null,
    is_streaming: index % 3 !== 0,
    status: outcome === "refused" ? 429 : outcome === "failed" ? 502 : 200,
    outcome,
    error: errors[outcome] ?? null,
    usage: isServed
      ? {
          ...noUsage,
          ...(index % 4 === 1 ? { cache_write_1h: 2_048, searches: 2, service_tier: "flex" as const } : {}),
          input: input - 120,
          cached_read: 120,
          output,
          total_input: input,
          total_output: output,
        }
      : noUsage,
    usage_source: isServed ? (known.state === "estimated" ? "estimated" : "reported") : "unknown",
    cost: isServed ? known : cost("not_billable", 0),
    first_output_us: isServed ? Math.floor(total * 0.35) : null,
    total_us: outcome === "refused" ? 410 : total,
    overhead_us: 180 + Math.floor(random() * 300),
    attempts: outcome === "refused" ? 0 : outcome === "failed" ? 2 : 1 + Number(index % 13 === 4),
    losses: isServed && index % 4 === 1 && index % 23 !== 5 ? losses : [],
    units: [...(caller?.owner ?? []), ...(caller?.project ? [caller.project] : [])],
    tags: index % 5 === 2 ? [{ name: "ticket", value: "OPS-12" }] : [],
    session: index % 6 === 1 ? "nightly-2026-11-22" : null,
    refused_by: outcome === "refused" ? refusal.budget : null,
    policy: index % 3 === 0 ? "auto" : null,
    user_agent: ["OpenAI/Python 2.8.0", "Zed/0.212", "curl/8.14.1"][index % 3] ?? null,
  };
}

const requests = Array.from({ length: 1_400 }, (_, index) => row(index));

/** The whole of a request, made up from its row. */
export function detailOf(from: RequestRow): RequestDetail {
  const found = models.find((one) => one.name === from.model)?.deployments[0];
  const attempts = Array.from({ length: from.attempts }, (_, index): Attempt => {
    const isLast = index === from.attempts - 1;
    const hasFailed = !isLast || from.outcome === "failed";
    const length = isLast ? Math.floor(from.total_us * 0.9) : Math.floor(from.total_us * 0.08);
    return {
      attempt_id: id(7, index),
      provider: hasFailed ? "groq" : (from.provider ?? "groq"),
      upstream_model: found?.upstream_model ?? from.model_asked,
      started_after_us: isLast && from.attempts > 1 ? Math.floor(from.total_us * 0.1) : 240,
      first_output_us: hasFailed ? null : Math.floor(length * 0.36),
      duration_us: length,
      status: hasFailed ? 503 : 200,
      error: hasFailed ? "upstream.error" : null,
      detail: hasFailed ? "The provider answered 503: the model is overloaded." : null,
      upstream_request_id: hasFailed ? null : "req_7f3a19c2",
      hold: "21400000",
      resolution: hasFailed ? "voided" : "settled",
      usage: hasFailed ? noUsage : from.usage,
      usage_source: hasFailed ? "unknown" : from.usage_source,
      cost: hasFailed ? cost("not_billable", 0) : from.cost,
      overage: "0",
      price: found?.price
        ? { id: found.price.id, rates: { ...found.price.rates, search: "10000" }, tiers: [] }
        : null,
      dialect: from.operation === "embeddings" ? null : "openai_chat",
    };
  });
  return {
    ...from,
    attempt_list: attempts,
    corrected: "0",
    decision: null,
    budgets: otherBudgets,
    refusal: from.refused_by === null ? null : refusal.figures,
  };
}

const catalogue = catalogueFor(models, providers);

export const fixtures = { catalogue, status, settings, kinds, providers, models, keys, requests };
