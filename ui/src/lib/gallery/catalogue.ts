/** An invented catalogue of 2,400 models, and what it says of each. Names and figures are made up. */
import type {
  CatalogDetail,
  CatalogList,
  CatalogMode,
  CatalogModel,
  CatalogStatus,
  Feature,
  Modality,
  Model,
  Provider,
} from "../api";

/** The same numbers on every start, so that pictures can be compared. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const random = randomFrom(23);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const rateText = (value: number) => String(Number(value.toPrecision(2)));

const makers = [
  "OpenAI",
  "Anthropic",
  "Google",
  "Meta",
  "Mistral AI",
  "Alibaba",
  "DeepSeek",
  "xAI",
  "Cohere",
  "Microsoft",
  "NVIDIA",
  "Amazon",
  "Moonshot AI",
  "Zhipu AI",
  "MiniMax",
];
const kinds = [
  "openai",
  "groq",
  "anthropic",
  "gemini",
  "openrouter",
  "bedrock",
  "azure",
  "mistral",
  "together",
  "fireworks",
  "deepinfra",
  "novita",
];
const lines = [
  "Aria",
  "Borealis",
  "Cirrus",
  "Delta",
  "Ember",
  "Fjord",
  "Glacier",
  "Harbor",
  "Iris",
  "Juniper",
  "Kestrel",
  "Lumen",
];
const sizes = ["nano", "mini", "small", "medium", "large", "pro", "max"];
const modes: CatalogMode[] = [
  "chat",
  "chat",
  "chat",
  "chat",
  "chat",
  "chat",
  "chat",
  "chat",
  "embedding",
  "image",
  "speech",
  "transcription",
  "rerank",
  "moderation",
];
const contexts = [8_192, 32_768, 65_536, 128_000, 131_072, 200_000, 262_144, 400_000, 1_000_000, 1_048_576];
const abilities: Feature[] = [
  "tools",
  "parallel_tools",
  "tool_choice",
  "structured_output",
  "reasoning",
  "prompt_caching",
  "web_search",
  "batch",
  "flex",
];

function priceFor(mode: CatalogMode, size: number): CatalogModel["price"] {
  const none = { cached_read: null, per_unit: null, has_tiers: false };
  if (random() < 0.06) return null;
  if (random() < 0.04) return { input: "0", output: "0", ...none };
  const input = 0.03 * 3 ** size * (0.5 + random());
  if (mode === "image")
    return {
      ...none,
      input: "0",
      output: "0",
      per_unit: { unit: "image", rate: rateText(10_000 * (1 + size)) },
    };
  if (mode === "speech")
    return {
      ...none,
      input: "0",
      output: "0",
      per_unit: { unit: "character", rate: rateText(5 + size * 5) },
    };
  if (mode === "transcription")
    return {
      ...none,
      input: "0",
      output: "0",
      per_unit: { unit: "audio_ms", rate: rateText(0.05 + size / 40) },
    };
  if (mode === "embedding" || mode === "rerank" || mode === "moderation")
    return { ...none, input: rateText(input / 4), output: "0" };
  return {
    input: rateText(input),
    output: rateText(input * (3 + random() * 3)),
    cached_read: rateText(input / 10),
    per_unit: null,
    has_tiers: size > 4,
  };
}

function invented(index: number): CatalogModel {
  const size = Math.floor(random() * sizes.length);
  const mode = pick(modes);
  const kind = pick(kinds);
  const version = `${1 + Math.floor(random() * 5)}.${Math.floor(random() * 6)}`;
  const name = `${pick(lines)} ${version} ${sizes[size]}`;
  const isChat = mode === "chat";
  const inputs: Modality[] = isChat
    ? [
        "text",
        ...(random() < 0.5 ? (["image"] as const) : []),
        ...(random() < 0.15 ? (["pdf"] as const) : []),
      ]
    : mode === "transcription"
      ? ["audio"]
      : ["text"];
  const outputs: Modality[] = mode === "image" ? ["image"] : mode === "speech" ? ["audio"] : ["text"];
  const year = pick(["2024", "2025", "2026"]);
  const month = String(1 + Math.floor(random() * (year === "2026" ? 11 : 12))).padStart(2, "0");
  const isOld = random() < 0.05;
  return {
    kind,
    id: `${name.toLowerCase().replaceAll(" ", "-")}-${index}`,
    name,
    maker: pick(makers),
    family: name.split(" ")[0] ?? null,
    mode,
    price: priceFor(mode, size),
    context: random() < 0.08 ? null : pick(contexts),
    max_output: isChat && random() > 0.1 ? pick([4_096, 8_192, 16_384, 32_768, 65_536, 128_000]) : null,
    input: inputs,
    output: outputs,
    features: isChat ? abilities.filter(() => random() < 0.45) : [],
    knowledge: isChat && random() < 0.5 ? `${year}-01` : null,
    released: random() < 0.12 ? null : random() < 0.5 ? `${year}-${month}` : `${year}-${month}-14`,
    shuts_down: isOld ? "2027-02-14" : null,
    status: isOld ? "deprecated" : random() < 0.06 ? "preview" : "current",
    open_weights: random() < 0.3 ? null : random() < 0.4,
    disagreements: random() < 0.05 ? 1 : 0,
    mine: null,
  };
}

/** The models of the fixtures' own providers, with what is known of them. */
function known(models: readonly Model[], providers: readonly Provider[]): CatalogModel[] {
  const facts: Record<string, Partial<CatalogModel>> = {
    "gpt-5-mini": {
      name: "GPT-5 mini",
      released: "2025-08-07",
      shuts_down: "2027-02-14",
      status: "deprecated",
    },
    "gpt-5": { name: "GPT-5", released: "2025-08-07", disagreements: 2 },
    "llama-3.3-70b-versatile": {
      name: "Llama 3.3 70B",
      maker: "Meta",
      open_weights: true,
      released: "2024-12-06",
    },
  };
  return models.flatMap((model) => {
    const deployment = model.deployments[0];
    const fact = facts[model.name];
    const provider = providers.find(({ id }) => id === deployment?.provider_id);
    if (deployment === undefined || fact === undefined || provider === undefined) return [];
    const rates = deployment.price?.rates;
    return [
      {
        ...invented(0),
        kind: provider.kind,
        id: deployment.upstream_model,
        maker: "OpenAI",
        mode: "chat" as const,
        price: rates
          ? {
              input: rates.input ?? "0",
              output: rates.output ?? "0",
              cached_read: "0.025",
              per_unit: null,
              has_tiers: true,
            }
          : null,
        context: 400_000,
        max_output: 128_000,
        input: ["text", "image"] as Modality[],
        output: ["text"] as Modality[],
        features: ["tools", "structured_output", "reasoning", "prompt_caching", "batch"] as Feature[],
        knowledge: "2024-10",
        open_weights: false,
        shuts_down: null,
        status: "current" as const,
        disagreements: 0,
        ...fact,
        mine: {
          providers: [{ id: provider.id, name: provider.name, is_seen: true }],
          models: [{ id: model.id, name: model.name }],
        },
      },
    ];
  });
}

/** The catalogue for an installation; smaller where its own size is not the point. */
export function catalogueFor(
  models: readonly Model[],
  providers: readonly Provider[],
  size = 2_400,
): CatalogList {
  const own = known(models, providers);
  const others = Array.from({ length: size }, (_, index) => {
    const model = invented(index + 1);
    const mine = providers.filter(({ kind }) => kind === model.kind);
    return mine.length === 0
      ? model
      : {
          ...model,
          mine: {
            providers: mine.map(({ id, name }) => ({
              id,
              name,
              is_seen: index % 3 === 0 ? null : index % 7 !== 0,
            })),
            models: [],
          },
        };
  });
  const blend = { input_percent: 88, output_percent: 12, is_own: true };
  return {
    date: "2026-11-22",
    origin: "embedded",
    hidden: 415,
    blend,
    models: [...own, ...others],
    unlisted: [],
  };
}

/** What the catalogue says of one model. */
export function detailFor(
  list: CatalogList,
  models: readonly Model[],
  kind: string,
  id: string,
): CatalogDetail | undefined {
  const model = list.models.find((one) => one.kind === kind && one.id === id);
  if (model === undefined) return undefined;
  const own = models.filter(({ id: modelId }) => model.mine?.models.some((one) => one.id === modelId));
  const input = model.price?.input ?? "0";
  const output = model.price?.output ?? "0";
  const rates = {
    input,
    output,
    cached_read: model.price?.cached_read ?? null,
    cache_write_1h: model.price ? rateText(Number(input) * 2) : null,
  };
  const tiers = model.price?.has_tiers
    ? [
        {
          service: "batch" as const,
          above_input_tokens: null,
          rates: { input: rateText(Number(input) / 2), output: rateText(Number(output) / 2) },
        },
        {
          service: null,
          above_input_tokens: 200_000,
          rates: { input: rateText(Number(input) * 2), output: rateText(Number(output) * 1.5) },
        },
      ]
    : [];
  return {
    ...model,
    tariff: model.price && {
      rates: model.price.per_unit
        ? { input: "0", output: "0", [model.price.per_unit.unit]: model.price.per_unit.rate }
        : rates,
      tiers,
    },
    replacement: model.status === "deprecated" ? "gpt-5" : null,
    page: "https://example.com/pricing",
    notes: model.disagreements > 0 ? ["Its maker charges half at night; the day's price is shown."] : [],
    quality: [],
    provenance: [
      { figure: "price", source: "Price map 1.109.1", date: "2026-11-20" },
      { figure: "context", source: "Model list", date: "2026-08-18" },
      { figure: "released", source: "Model list", date: "2026-08-18" },
    ],
    disagreement_list:
      model.disagreements === 0
        ? []
        : [
            {
              figure: "price.input",
              values: [
                { source: "Price map 1.109.1", date: "2026-11-20", value: "$1.25", is_used: true },
                { source: "Model list", date: "2026-08-18", value: "$1.50", is_used: false },
              ],
            },
          ],
    deployments: own.flatMap((one) =>
      one.deployments.map((deployment) => ({
        model_id: one.id,
        model: one.name,
        deployment_id: deployment.id,
        provider_id: deployment.provider_id,
        provider: deployment.provider,
        price: deployment.price,
        is_catalogue_price: deployment.is_catalogue_price,
      })),
    ),
    last_30d:
      own.length === 0
        ? null
        : {
            requests: 1_204,
            cost: { state: "exact", amount: "41200000000" },
            p50_us: 1_240_000,
            p95_us: 4_900_000,
            keys: [
              {
                key_id: "k1",
                name: "Editor",
                requests: 980,
                cost: { state: "exact", amount: "36100000000" },
              },
              {
                key_id: "k2",
                name: "Nightly report",
                requests: 224,
                cost: { state: "exact", amount: "5100000000" },
              },
            ],
          },
    blend: { input_percent: 88, output_percent: 12, is_own: true },
    blended:
      model.price && model.price.per_unit === null
        ? rateText(Number(input) * 0.88 + Number(output) * 0.12)
        : null,
    alternatives: list.models
      .filter(
        (one) =>
          one.price !== null &&
          one.mode === model.mode &&
          one.id !== model.id &&
          Number(one.price.input) > 0 &&
          Number(one.price.input) < Number(input),
      )
      .slice(0, 4)
      .map((one, index) => ({
        kind: one.kind,
        id: one.id,
        name: one.name,
        maker: one.maker,
        blended: one.price?.input ?? "0",
        saving_percent: 62 - index * 9,
        mine: one.mine !== null,
      })),
  };
}

/** How fresh the invented catalogue is. */
export const catalogueStatus: CatalogStatus = {
  origin: "embedded",
  date: "2026-11-22",
  models: 2_403,
  makers: 25,
  kinds: 12,
  disagreements: 121,
  hidden: 415,
  sources: [
    {
      id: "price-map",
      name: "Price map",
      version: "1.109.1",
      date: "2026-11-20",
      licence: "MIT",
      url: "https://example.com",
      sha256: "0".repeat(64),
    },
    {
      id: "model-list",
      name: "Model list",
      version: "0.2026.8.18",
      date: "2026-08-18",
      licence: "MIT",
      url: "https://example.com",
      sha256: "0".repeat(64),
    },
  ],
  refresh: false,
  is_running: false,
  last_attempt: null,
  last_success: null,
  last_error: null,
  next_attempt: null,
  prices_changed: 0,
  prices_held_back: 0,
};
