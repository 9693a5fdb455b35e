/** The invented policies, decisions, savings and runs of the gallery. */
import type {
  ConsideredModel,
  Counterfactual,
  Decision,
  ExplainRoute,
  Explanation,
  HealthState,
  LearntState,
  Policy,
  PolicyBody,
  PolicyBounds,
  PolicyPatience,
  PolicyRule,
  PolicySimulation,
  PolicyVersion,
  ProviderHealth,
  Radar,
  Replay,
  ReplayDetail,
  ReplayItem,
  RequestCounterfactual,
  RequestRow,
  RequestTexts,
  RouterReport,
  RuleVerdict,
  Savings,
  Strategy,
  StrategySetting,
} from "../api";
import { noBounds, usualPatience } from "../features/policy/draft.svelte";
import type { Method } from "../host";
import { fixtures } from "./fixtures";
import { govern } from "./govern";

const now = Date.now();
const hour = 3_600_000;
const ago = (hours: number) => new Date(now - hours * hour).toISOString();
const id = (kind: number, index: number) =>
  `0193${kind.toString(16).padStart(4, "0")}-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;

const setting = (
  name: string,
  title: string,
  kind: StrategySetting["kind"],
  change: Partial<StrategySetting> = {},
): StrategySetting => ({
  name,
  title,
  about: `${title}, as the strategy uses it.`,
  kind,
  default: null,
  min: null,
  max: null,
  unit: null,
  options: [],
  ...change,
});

const strategies: Strategy[] = [
  {
    id: "learned_utility",
    name: "Best value",
    about: "Weighs expected quality for this task, cost and speed, and learns from outcomes.",
    settings: [
      setting("goal", "Goal", "choice", {
        default: "balanced",
        options: [
          { value: "best_quality", title: "Best quality" },
          { value: "balanced", title: "Balanced" },
          { value: "cheapest_good_enough", title: "Cheapest that is good enough" },
          { value: "fastest", title: "Fastest" },
        ],
      }),
      setting("quality_floor", "Quality at least", "number", {
        default: 0,
        min: 0,
        max: 1_000,
        unit: "thousandths",
      }),
    ],
  },
  {
    id: "fixed_order",
    name: "Fixed order",
    about: "Tries the candidates in the order they stand in.",
    settings: [],
  },
  {
    id: "weighted",
    name: "Weighted",
    about: "Divides requests by the candidates' shares.",
    settings: [setting("by_session", "One model for a whole session", "flag", { default: true })],
  },
  {
    id: "cascade",
    name: "Cascade",
    about: "Asks a cheap model first and a stronger one when a check of its answer fails.",
    settings: [
      setting("refusal", "A refusal fails", "flag", { default: true }),
      setting("strong", "Stronger model", "model"),
    ],
  },
  {
    id: "lowest_cost",
    name: "Lowest cost",
    about: "The candidate whose answer is expected to cost least.",
    settings: [],
  },
];

const route = (
  strategy: string,
  {
    bounds,
    patience,
    ...change
  }: Partial<Omit<PolicyRule["route"], "bounds" | "patience">> & {
    bounds?: Partial<PolicyBounds>;
    patience?: Partial<PolicyPatience>;
  } = {},
): PolicyRule["route"] => ({
  strategy,
  settings: {},
  candidates: [],
  fallbacks: [],
  bounds: { ...noBounds, ...bounds },
  patience: { ...usualPatience, ...patience },
  ...change,
});

const searchTeam = govern.tree.units.find(({ name }) => name === "Search")?.id ?? id(9, 1);

const autoBody: PolicyBody = {
  takes_over: ["gpt-4*"],
  rules: [
    {
      name: "Nothing leaves the house",
      when: [{ if: "tag", name: "data", values: ["confidential"] }],
      route: route("lowest_cost", { bounds: { local_only: true } }),
    },
    {
      name: "Hard programming",
      when: [
        { if: "who", units: [searchTeam], keys: [] },
        { if: "family", any_of: ["code", "maths"] },
        { if: "difficulty", at_least: 600, at_most: null },
      ],
      route: route("learned_utility", {
        settings: { goal: "best_quality" },
        candidates: [
          { model: "gpt-5", weight: 1 },
          { model: "gpt-5-mini", weight: 1 },
        ],
        fallbacks: ["llama-3.3-70b-versatile"],
        bounds: { cost: "500000000", regions: ["eu"] },
      }),
    },
    {
      name: "Budget nearly used",
      when: [{ if: "budget_used", at_least: 90 }],
      route: route("lowest_cost", { bounds: { never_dearer: true, quality_permille: 550 } }),
    },
    {
      name: "",
      when: [],
      route: route("learned_utility", {
        fallbacks: ["gpt-5-mini"],
        patience: { first_output_ms: 8_000, attempts: 4 },
      }),
    },
  ],
};

const autoText = `# What apps get when they ask for "auto".
takes_over: ["gpt-4*"]
rules:
  - name: Nothing leaves the house
    when:
      - if: tag
        name: data
        values: [confidential]   # set by the CRM
    route:
      strategy: lowest_cost
      bounds: {local_only: true}
  - name: Hard programming
    when:
      - {if: who, units: [Search]}
      - {if: family, any_of: [code, maths]}
      - {if: difficulty, at_least: 600}
    route:
      strategy: learned_utility
      settings: {goal: best_quality}
      candidates: [gpt-5, gpt-5-mini]
      fallbacks: [llama-3.3-70b-versatile]
      bounds: {cost: "0.50", regions: [eu]}
  - name: Budget nearly used
    when:
      - {if: budget_used, at_least: 90}
    route:
      strategy: lowest_cost
      bounds: {never_dearer: true, quality_permille: 550}
  - route:
      strategy: learned_utility
      fallbacks: [gpt-5-mini]
      patience: {first_output_ms: 8000, attempts: 4}
`;

const sentences = [
  "If its tag data is confidential, choose by lowest cost, only on this machine.",
  "If it comes from Search and is code or maths of difficulty at least 600, choose the best value from gpt-5 and gpt-5-mini.",
  "If a budget is 90 % used or more, choose by lowest cost, never dearer than asked.",
  "Otherwise choose the best value from every model, then try gpt-5-mini.",
];

const version = (number: number, change: Partial<PolicyVersion> = {}): PolicyVersion => ({
  number,
  body: autoBody,
  text: autoText,
  sentences,
  note: "",
  made_at: ago(4),
  is_live: number === 3,
  ...change,
});

const versions: PolicyVersion[] = [
  version(4, { note: "Mini first for small talk", made_at: ago(3) }),
  version(3, { note: "Confidential data stays on this machine", made_at: ago(30) }),
  version(2, { note: "Search gets the strong model for hard work", made_at: ago(190) }),
  version(1, { note: "", made_at: ago(700) }),
];

const policies: Policy[] = [
  {
    id: id(12, 1),
    name: "auto",
    description: "The best value for each request, within the house rules",
    live: version(3, { note: "Confidential data stays on this machine" }),
    trial: { version: version(4), mode: "canary", percent: 10, since: ago(3) },
    created_at: ago(700),
    archived_at: null,
  },
  {
    id: id(12, 2),
    name: "fast-and-cheap",
    description: "For drafts, tags and other work nobody waits long for",
    live: version(1, {
      body: { takes_over: [], rules: [{ name: "", when: [], route: route("lowest_cost") }] },
      text: "rules:\n  - route:\n      strategy: lowest_cost\n",
      is_live: true,
    }),
    trial: null,
    created_at: ago(300),
    archived_at: null,
  },
];

const considered = (
  index: number,
  cost: number | null,
  quality: number,
  change: Partial<ConsideredModel> = {},
): ConsideredModel => {
  const model = fixtures.models[index];
  const deployment = model?.deployments[0];
  return {
    model: model?.name ?? "",
    provider: deployment?.provider ?? "",
    provider_id: deployment?.provider_id ?? "",
    deployment_id: deployment?.id ?? "",
    cost: cost === null ? null : String(cost),
    quality_permille: quality,
    quality_deviation_permille: 40 + index * 12,
    first_output_ms: 380 + index * 240,
    total_ms: 2_100 + index * 900,
    availability_permille: 998 - index * 9,
    score: 812 - index * 96,
    removed: null,
    ...change,
  };
};

const removed = (
  by: NonNullable<ConsideredModel["removed"]>["by"],
  change: Partial<NonNullable<ConsideredModel["removed"]>> = {},
) => ({
  score: null,
  removed: { by, text: by, need: null, tokens: null, bound: null, for_ms: null, ...change },
});

/** A decision for a prompt: the longer and the more like a program, the harder. */
function decisionOf(prompt: string): Decision {
  const isCode = /code|race|fn |let |function|class /i.test(prompt);
  const isHard = isCode || prompt.length > 400;
  const strong = considered(1, 21_400_000, 913);
  const cheap = considered(0, 3_100_000, isHard ? 702 : 884);
  const order = isHard ? [strong, cheap] : [cheap, strong];
  return {
    rule: {
      policy_id: id(12, 1),
      policy: "auto",
      version: 3,
      index: isCode ? 2 : 4,
      name: isCode ? "Hard programming" : "",
    },
    strategy: "learned_utility",
    task: {
      family: isCode ? "code" : "chat",
      confidence_permille: isCode ? 930 : 610,
      difficulty_permille: isHard ? 742 : 120,
      need_permille: isHard ? 211 : 18,
      cluster: isCode ? 41 : 7,
      evidence: isHard
        ? [
            { what: "words of concurrent programs", weight_permille: 118 },
            { what: "asks for a proof", weight_permille: 74 },
            { what: "short text", weight_permille: -22 },
          ]
        : [{ what: "greeting", weight_permille: -96 }],
    },
    needs: isCode ? ["tools"] : [],
    input_tokens: Math.max(8, Math.round(prompt.length / 4)),
    output_tokens: isHard ? 900 : 60,
    candidates: [
      ...order,
      considered(3, 0, 540, removed("lacks", { need: "tools" })),
      considered(2, null, 640, { ...removed("resting", { for_ms: 24_000 }), availability_permille: 712 }),
    ],
    more: 3,
    kept: null,
    trial: {
      version: 4,
      mode: "canary",
      has_decided: false,
      model: "gpt-5-mini",
      cost: "3100000",
      quality_permille: 702,
    },
    took_us: 14,
  };
}

function verdicts(decision: Decision, body: PolicyBody): RuleVerdict[] {
  const deciding = Math.min(decision.rule?.index ?? 1, body.rules.length);
  const seen = ["no tag data", "chat, difficulty 12 %", "62 %"];
  return body.rules.map((rule, index) => ({
    rule: index + 1,
    name: rule.name ?? "",
    sentence: sentences[index] ?? "",
    state: index + 1 === deciding ? "matched" : index + 1 < deciding ? "failed" : "not_reached",
    failed_condition: index + 1 < deciding ? 1 : null,
    failed: index + 1 < deciding ? "Its first condition does not hold." : null,
    seen: index + 1 < deciding ? (seen[index] ?? null) : null,
  }));
}

function explanationOf(question: unknown): Explanation {
  const { prompt, body } = question as ExplainRoute;
  const decision = decisionOf(prompt ?? "");
  return {
    model_asked: "auto",
    decision,
    rules: verdicts(decision, body ?? autoBody),
    chosen: decision.candidates[0] ?? null,
    refusal: null,
    notes: [],
    took_us: 240,
  };
}

/** The decision of a recorded request; plain names have none. */
export function decisionFor(row: RequestRow): Decision | null {
  if (row.model === null) return null;
  const decision = decisionOf(
    Number(row.usage.total_output) > 700 ? "Find the race in this code" : "Hello there",
  );
  const order = [...decision.candidates].sort(
    (left, right) => Number(right.model === row.model) - Number(left.model === row.model),
  );
  const first = order[0];
  const candidates = first ? [{ ...first, score: 812, removed: null }, ...order.slice(1)] : order;
  return {
    ...decision,
    candidates,
    input_tokens: row.usage.total_input ?? 0,
    kept: row.session === null ? null : "session",
  };
}

function simulationOf(): PolicySimulation {
  return {
    from: ago(72),
    to: ago(0),
    requests: 940,
    left_out: 60,
    live: { cost: "14210000000", p50_ms: 2_300, p95_ms: 7_900, quality_permille: 861 },
    draft: { cost: "9870000000", p50_ms: 1_900, p95_ms: 8_100, quality_permille: 857 },
    cost_difference: "-4340000000",
    cost_difference_low: "-5100000000",
    cost_difference_high: "-3300000000",
    quality_difference_permille: -4,
    quality_deviation_permille: 9,
    changed: 312,
    refused: 0,
    moves: [
      { from: "gpt-5", to: "gpt-5-mini", requests: 274, cost_difference: "-4520000000" },
      { from: "gpt-5-mini", to: "gpt-5", requests: 38, cost_difference: "180000000" },
    ],
    rules: [
      { rule: 1, name: "Nothing leaves the house", requests: 12 },
      { rule: 2, name: "Hard programming", requests: 208 },
      { rule: 3, name: "Budget nearly used", requests: 0 },
      { rule: 4, name: "", requests: 720 },
    ],
    samples: fixtures.requests.slice(0, 6).map((row) => ({
      request_id: row.id,
      started_at: row.started_at,
      model_asked: row.model_asked,
      from: "gpt-5",
      to: "gpt-5-mini",
      cost_from: "21400000",
      cost_to: "3100000",
      rule: 4,
    })),
    measured: ["Cost and times of the requests as they were."],
    estimated: [
      "Cost elsewhere: the same tokens at the other price.",
      "Quality: what the router expects, with its deviation.",
    ],
    took_us: 41_000,
  };
}

const baseline = { kind: "asked" as const, name: null, title: "the models that were asked for" };

/** What was saved, with a loss for one key so that losses are seen too. */
export function savingsOf(isLoss: boolean, isEmpty: boolean): Savings | null {
  if (isEmpty) return null;
  return isLoss
    ? {
        baseline,
        amount: "-214000000",
        low: "-390000000",
        high: "-60000000",
        requests: 41,
        unpriced: 0,
      }
    : {
        baseline,
        amount: "3841000000",
        low: "2900000000",
        high: "4700000000",
        requests: 1_022,
        unpriced: 14,
      };
}

function counterfactualOf(): Counterfactual {
  return {
    from: ago(24),
    to: ago(0),
    baseline,
    requests: 1_022,
    unpriced: 14,
    unpriced_cost: { state: "unknown", amount: "0" },
    actual: "4120000000",
    would: "7961000000",
    would_low: "7020000000",
    would_high: "8820000000",
    saved: "3841000000",
    saved_low: "2900000000",
    saved_high: "4700000000",
    by_model: [
      {
        model: "gpt-5-mini",
        against: "gpt-5",
        requests: 640,
        actual: "1204000000",
        would: "5310000000",
        would_low: "4700000000",
        would_high: "6000000000",
        saved: "4106000000",
      },
      {
        model: "gpt-5",
        against: "gpt-5-mini",
        requests: 82,
        actual: "2916000000",
        would: "2651000000",
        would_low: "2320000000",
        would_high: "2820000000",
        saved: "-265000000",
      },
    ],
    uncertainties: [
      {
        kind: "output_length",
        text: "Other models write answers 0.8 to 1.2 times as long.",
        low_permille: 800,
        high_permille: 1_200,
      },
      {
        kind: "cache",
        text: "The prompt cache would be as warm, or cold.",
        low_permille: 1_000,
        high_permille: 1_110,
      },
    ],
    measured: ["What was paid, and the tokens that were used."],
    estimated: ["What the same tokens would have cost elsewhere."],
  };
}

function requestCounterfactualOf(row: RequestRow): RequestCounterfactual {
  const paid = Number(row.cost.amount);
  return {
    actual: row.cost,
    models: fixtures.models.slice(0, 2).map((model, index) => {
      const would = model.name === row.model ? paid : index === 0 ? paid / 5 : paid * 5;
      return {
        model: model.name,
        provider: model.deployments[0]?.provider ?? "",
        would: String(Math.round(would)),
        low: String(Math.round(would * 0.85)),
        high: String(Math.round(would * 1.2)),
        saved: String(Math.round(paid - would)),
        is_used: model.name === row.model,
        is_asked: model.name === row.model_asked,
      };
    }),
    uncertainties: counterfactualOf().uncertainties,
    measured: ["The tokens that were used."],
    estimated: ["How long another model’s answer would be."],
  };
}

const report: RouterReport = {
  from: ago(720),
  to: ago(0),
  outcomes: 188,
  rated: 61,
  is_enough: true,
  error_permille: 112,
  prior_error_permille: 138,
  accuracy_permille: 734,
  regret_permille: 21,
  calibration: [420, 560, 690, 810, 910].map((expected_permille, index) => ({
    expected_permille,
    observed_permille: expected_permille + ([38, -22, 14, -9, 6][index] ?? 0),
    outcomes: [12, 24, 41, 66, 45][index] ?? 0,
  })),
  families: [
    { family: "code", outcomes: 92, observed_permille: 812, error_permille: 98, regret_permille: 17 },
    { family: "chat", outcomes: 51, observed_permille: 903, error_permille: 71, regret_permille: 4 },
    { family: "maths", outcomes: 19, observed_permille: 641, error_permille: 201, regret_permille: 66 },
    { family: "summary", outcomes: 26, observed_permille: 874, error_permille: 90, regret_permille: null },
  ],
  models: [
    { model: "gpt-5", outcomes: 70, observed_permille: 907, expected_permille: 899 },
    { model: "gpt-5-mini", outcomes: 103, observed_permille: 801, expected_permille: 822 },
    { model: "llama-3.3-70b-versatile", outcomes: 15, observed_permille: 688, expected_permille: 640 },
  ],
  signals: [
    { signal: "rated", outcomes: 42, score_permille: 810 },
    { signal: "voted", outcomes: 19, score_permille: 560 },
    { signal: "regenerated", outcomes: 88, score_permille: 210 },
    { signal: "escalated", outcomes: 39, score_permille: 140 },
  ],
  caveats: ["Outcomes are those somebody or something reported: satisfied people say less."],
};

const learnt: LearntState = {
  outcomes: 188,
  changed_at: ago(1),
  size_bytes: 18_204,
  models: [
    { model: "gpt-5-mini", family: "code", weight_permille: 21_400, difference_permille: -31 },
    { model: "gpt-5-mini", family: "chat", weight_permille: 14_000, difference_permille: 12 },
    { model: "llama-3.3-70b-versatile", family: null, weight_permille: 8_200, difference_permille: 44 },
  ],
};

const health: ProviderHealth[] = fixtures.providers.map((provider, index): ProviderHealth => {
  const state: HealthState = index === 1 ? "resting" : "healthy";
  return {
    provider_id: provider.id,
    provider: provider.name,
    state,
    deployments: fixtures.models
      .filter((model) => model.deployments.some(({ provider_id }) => provider_id === provider.id))
      .map((model, at) => ({
        deployment_id: model.deployments[0]?.id ?? "",
        model: model.name,
        state,
        resting_until: index === 1 ? new Date(now + 24_000).toISOString() : null,
        in_flight: at,
        first_output_ms: 380 + 240 * index + 90 * at,
        tokens_per_second: 84 - 20 * index,
        availability_permille: index === 1 ? 712 : 998,
      })),
    credentials: [
      {
        credential_id: null,
        name: "",
        state,
        resting_until: null,
        requests_left: index === 0 ? 8_410 : null,
        tokens_left: index === 0 ? 1_920_000 : null,
        limit_resets_at: index === 0 ? new Date(now + 41_000).toISOString() : null,
      },
      ...provider.pool.map((pooled, at) => ({
        credential_id: pooled.id,
        name: pooled.name,
        state: (at === 0 ? "rate_limited" : state) as HealthState,
        resting_until: at === 0 ? new Date(now + 18_000).toISOString() : null,
        requests_left: at === 0 ? 0 : 4_200,
        tokens_left: null,
        limit_resets_at: null,
      })),
    ],
  };
});

const radar: Radar = {
  as_of: ago(0),
  catalogue_date: "2026-11-22",
  entries: [
    {
      model_id: fixtures.models[1]?.id ?? "",
      model: "gpt-5",
      deployment_id: fixtures.models[1]?.deployments[0]?.id ?? "",
      provider: "openai",
      upstream_model: "gpt-5",
      name: "GPT-5",
      status: "deprecated",
      shuts_down: new Date(now + 20 * 24 * hour).toISOString().slice(0, 10),
      days_left: 20,
      is_gone: false,
      has_other: false,
      successor: "gpt-5-mini",
      requests_30d: 4_812,
      cost_30d: { state: "exact", amount: "61400000000" },
      stand_ins: [
        {
          kind: "openai",
          upstream_model: "gpt-5-mini",
          name: "GPT-5 mini",
          provider_id: fixtures.providers[0]?.id ?? null,
          provider: "openai",
          models: fixtures.models.slice(0, 1).map(({ id: modelId, name }) => ({ id: modelId, name })),
          blended: "0.69",
          saving_percent: 80,
          is_successor: true,
        },
      ],
    },
  ],
};

const prompts = [
  "Find the race condition in this Rust code and prove that your fix is right.",
  "Summarise the minutes of the meeting of 3 November in three sentences.",
  "Write a polite reminder for an unpaid invoice of $1,204.50.",
];
const letters = [
  "The counter is read and stored in two steps.",
  "Use fetch_update, then the check and the store are one step:\n\n```rust\ncount.fetch_update(AcqRel, Acquire, |n| (n < limit).then_some(n + 1))\n```",
];

const itemOf = (number: number): ReplayItem => ({
  number,
  request_id: fixtures.requests[number]?.id ?? null,
  prompt: prompts[(number - 1) % prompts.length] ?? "",
  answers: ["gpt-5", "gpt-5-mini", "llama-3.3-70b-versatile"].map((model, index) => ({
    model,
    is_recorded: index === 0,
    request_id: fixtures.requests[10 + index]?.id ?? null,
    text: index === 2 && number === 3 ? null : (letters[index % 2] ?? null),
    error: index === 2 && number === 3 ? "The provider answered 503: the model is overloaded." : null,
    cost: { state: "exact", amount: String([21_400_000, 3_100_000, 900_000][index]) },
    total_ms: [4_100, 2_300, 1_200][index] ?? null,
    output_tokens: 180 - 20 * index,
  })),
  vote: number === 1 ? 2 : null,
  judgement: number === 2 ? 1 : null,
  reason: number === 2 ? "It names every decision of the meeting." : null,
});

const replay = (index: number, change: Partial<Replay> = {}): Replay => ({
  id: id(13, index),
  name: "Mini instead of GPT-5",
  state: "finished",
  detail: null,
  candidates: ["gpt-5-mini", "llama-3.3-70b-versatile"],
  judge: null,
  max_cost: "2000000000",
  cost: "812000000",
  items: 3,
  done: 3,
  results: [
    {
      model: "gpt-5-mini",
      answers: 3,
      failures: 0,
      cost: "9300000",
      p50_ms: 2_300,
      wins_permille: 1_500,
      votes: 2,
    },
    {
      model: "llama-3.3-70b-versatile",
      answers: 2,
      failures: 1,
      cost: "1800000",
      p50_ms: 1_200,
      wins_permille: 500,
      votes: 2,
    },
  ],
  promotion: null,
  created_at: ago(5 * index),
  finished_at: ago(5 * index - 1),
  ...change,
});

const replays: Replay[] = [
  replay(1, { name: "Nightly report on a smaller model", state: "running", done: 1, finished_at: null }),
  replay(2),
  replay(3, {
    name: "Before the end of gpt-4",
    promotion: {
      name: "fast",
      from: fixtures.models[1]?.id ?? "",
      from_name: "gpt-5",
      to: fixtures.models[0]?.id ?? "",
      to_name: "gpt-5-mini",
      at: ago(14),
    },
  }),
  replay(4, { name: "Everything, capped", state: "cost_reached", detail: "The cap of $2.00 was reached." }),
];

const texts: RequestTexts = {
  kept_at: ago(1),
  kept_until: new Date(now + 29 * 24 * hour).toISOString(),
  request: {
    text: JSON.stringify({
      model: "auto",
      messages: [
        { role: "system", content: "You are a careful reviewer." },
        { role: "user", content: "Find the race condition in this code: [secret removed]" },
      ],
    }),
    size_bytes: 412,
    is_cut: false,
    redactions: 1,
  },
  response: {
    text: JSON.stringify({
      choices: [
        { message: { role: "assistant", content: "The counter is read and stored in **two steps**." } },
      ],
    }),
    size_bytes: 280,
    is_cut: false,
    redactions: 0,
  },
};

interface Reply {
  status: number;
  json: unknown;
}

/** The answer to a call of the routing part; undefined for every other. */
export function routingAnswer(
  isEmpty: boolean,
  method: Method,
  pathname: string,
  body: unknown,
): Reply | undefined {
  const ok = (json: unknown, status = 200): Reply => ({ status, json });
  const policy = policies.find((one) => pathname.startsWith(`/policies/${one.id}`));
  if (policy !== undefined) return ok(pathname.endsWith("/versions") ? versions : policy);
  const run = replays.find((one) => pathname.startsWith(`/replays/${one.id}`));
  if (run !== undefined) {
    if (pathname.endsWith("/promote")) {
      const { name, candidate, dry_run } = body as { name: string; candidate: string; dry_run?: boolean };
      const promotion = {
        name,
        from: id(2, 2),
        from_name: "gpt-5",
        to: id(2, 1),
        to_name: candidate,
        at: ago(0),
      };
      const changes = [
        `${name} leads to ${candidate} instead of gpt-5.`,
        "The model gpt-5 stays as gpt-5-before.",
      ];
      return ok({ is_done: dry_run !== true, changes, promotion });
    }
    const item = /\/items\/(\d+)\/vote$/.exec(pathname);
    if (item) return ok({ ...itemOf(Number(item[1])), vote: (body as { answer: number }).answer });
    const detail: ReplayDetail = { ...run, item_list: [1, 2, 3].map(itemOf) };
    return ok(method === "GET" ? detail : run);
  }
  const [, requestId, part] = /^\/requests\/([^/]+)\/(\w+)$/.exec(pathname) ?? [];
  const row = fixtures.requests.find((one) => one.id === requestId);
  if (row !== undefined && part === "counterfactual") return ok(requestCounterfactualOf(row));
  if (row !== undefined && part === "body") {
    if (row.session !== null) return ok(texts);
    const message = "The texts of this request were not kept: storing of texts is off.";
    return { status: 404, json: { error: { code: "request.body_not_kept", message, field: null } } };
  }
  if (row !== undefined && part === "feedback") {
    return ok({
      request_id: row.id,
      at: ago(0),
      signal: "rated",
      score_permille: 1_000,
      comment: null,
      model: row.model,
      family: null,
    });
  }
  switch (`${method} ${pathname}`) {
    case "GET /strategies":
      return ok(strategies);
    case "GET /policies":
      return ok(isEmpty ? [] : policies);
    case "POST /policies":
      return ok(policies[0], 201);
    case "POST /policies/read": {
      const { text } = body as { text: string };
      const line = text.split("\n").findIndex((one) => one.includes("\t") || one.includes("oops")) + 1;
      return ok(
        line > 0
          ? {
              body: null,
              sentences: [],
              problems: [
                {
                  line,
                  column: 1,
                  rule: null,
                  message: "This line cannot be read. Use spaces and a colon.",
                  is_error: true,
                },
              ],
            }
          : { body: autoBody, sentences, problems: [] },
      );
    }
    case "POST /policies/write":
      return ok({ text: autoText, sentences, problems: [] });
    case "POST /policies/diff":
      return ok({
        lines: [
          { kind: "changed", rule: 2, text: "Rule 2: at most $0.50 a request instead of $1.00." },
          {
            kind: "added",
            rule: 3,
            text: "Rule 3 is new: if a budget is 90 % used or more, choose by lowest cost.",
          },
        ],
      });
    case "POST /policies/simulate":
      return ok(isEmpty ? { ...simulationOf(), requests: 0 } : simulationOf());
    case "POST /route/explain":
      return ok(explanationOf(body));
    case "GET /counterfactual":
      return ok(counterfactualOf());
    case "GET /router/report":
      return ok(isEmpty ? { ...report, outcomes: 0 } : report);
    case "GET /router/learnt":
      return ok(isEmpty ? { ...learnt, outcomes: 0, models: [] } : learnt);
    case "GET /router/learnt/export":
      return ok({ format: "learnt-1", content: "AA==", outcomes: 188 });
    case "GET /providers/health":
      return ok(isEmpty ? [] : health);
    case "GET /radar":
      return ok(isEmpty ? { ...radar, entries: [] } : radar);
    case "GET /replays":
      return ok(isEmpty ? [] : replays);
    case "POST /replays":
      return ok(replays[0], 201);
    case "POST /feedback/votes":
      return ok([]);
    default:
      return undefined;
  }
}

export const routing = {
  policies,
  versions,
  strategies,
  replays,
  autoBody,
  autoText,
  explanationOf,
  simulationOf,
  itemOf,
  texts,
  radar,
  report,
  learnt,
};
