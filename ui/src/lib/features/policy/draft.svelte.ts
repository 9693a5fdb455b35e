/**
 * A policy while it is edited: its rules as objects and its text, kept in step by the API, which reads
 * and writes the text. Whoever changes one calls nothing: `follow` sees what changed.
 */
import {
  call,
  type Policy,
  type PolicyBody,
  type PolicyBounds,
  type PolicyCondition,
  type PolicyPatience,
  type PolicyProblem,
  type PolicyRoute,
  type PolicyRule,
} from "$lib/api";

const pause = 150;

/** A rule with a name of its own for as long as it is on the screen. */
export interface Row {
  key: number;
  rule: FullRule;
}

/** A route with every part there, so that fields can be bound to it. */
export type FullRoute = Required<PolicyRoute>;
export interface FullRule {
  name: string;
  when: PolicyCondition[];
  route: FullRoute;
}

export type ConditionKind = PolicyCondition["if"];

let nextKey = 1;

/** No bound at all. */
export const noBounds: PolicyBounds = {
  input_price: null,
  output_price: null,
  cost: null,
  first_output_ms: null,
  total_ms: null,
  quality_permille: null,
  never_dearer: false,
  local_only: false,
  no_retention: false,
  regions: [],
  providers: [],
  never_providers: [],
};

/** To wait as everywhere. */
export const usualPatience: PolicyPatience = {
  first_output_ms: null,
  idle_ms: null,
  total_ms: null,
  attempts: null,
};

function full(rule: PolicyRule): FullRule {
  const { strategy, settings = {}, candidates = [], fallbacks = [], bounds, patience } = rule.route;
  return {
    name: rule.name ?? "",
    when: rule.when ?? [],
    route: {
      strategy,
      settings,
      candidates,
      fallbacks,
      bounds: { ...noBounds, ...bounds },
      patience: { ...usualPatience, ...patience },
    },
  };
}

/** What a new rule says before anything is chosen. */
export function newRule(): FullRule {
  return full({ when: [{ if: "family", any_of: ["code"] }], route: { strategy: "learned_utility" } });
}

/** A condition of a kind before anything is chosen. */
export function newCondition(kind: ConditionKind, zone: string): PolicyCondition {
  switch (kind) {
    case "who":
      return { if: "who", units: [], keys: [] };
    case "asked":
      return { if: "asked", models: [] };
    case "tag":
      return { if: "tag", name: "", values: [] };
    case "header":
      return { if: "header", name: "", values: [] };
    case "family":
      return { if: "family", any_of: ["code"] };
    case "difficulty":
      return { if: "difficulty", at_least: 600, at_most: null };
    case "size":
      return { if: "size", at_least: 8_000, at_most: null };
    case "needs":
      return { if: "needs", any_of: ["images"] };
    case "time":
      return { if: "time", days: [1, 2, 3, 4, 5], from: 540, until: 1_080, zone };
    case "budget_used":
      return { if: "budget_used", at_least: 80 };
  }
}

export class PolicyDraft {
  name = $state("");
  description = $state("");
  takesOver = $state<string[]>([]);
  rows = $state<Row[]>([]);
  text = $state("");
  problems = $state.raw<readonly PolicyProblem[]>([]);
  /** The text is being read or written. */
  isBusy = $state(false);
  /** The text cannot be read, so the rules show what it said before. */
  isTextAhead = $state(false);
  /** Why the API did not answer. */
  failure = $state<string | null>(null);
  /** The live version that was changed; null for a new policy. */
  readonly basedOn: number | null;
  readonly #before: string;
  #known = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  constructor(policy: Pick<Policy, "name" | "description" | "live"> | null) {
    this.name = policy?.name ?? "";
    this.description = policy?.description ?? "";
    this.basedOn = policy?.live.number ?? null;
    this.text = policy?.live.text ?? "";
    this.#take(policy?.live.body ?? { rules: [{ route: { strategy: "learned_utility" } }] });
    this.#before = JSON.stringify([this.name, this.description, this.body]);
    if (policy !== null) this.#known = JSON.stringify(this.body);
  }

  /** What it says now. */
  get body(): PolicyBody {
    return {
      takes_over: [...this.takesOver],
      rules: this.rows.map(({ rule }) => $state.snapshot(rule) as PolicyRule),
    };
  }

  /** Whether it differs from what was opened. */
  get isChanged(): boolean {
    return this.isTextAhead || JSON.stringify([this.name, this.description, this.body]) !== this.#before;
  }

  /** What keeps it from being saved. */
  get errors(): readonly PolicyProblem[] {
    return this.problems.filter(({ is_error }) => is_error);
  }

  /** Follows the rules with the text: call it in an effect. */
  follow(): void {
    const json = JSON.stringify(this.body);
    if (json === this.#known) return;
    this.#known = json;
    const body = this.body;
    const text = this.text || null;
    this.#soon(async (signal) => {
      const written = await call("POST /policies/write", { body: { body, text } }, signal);
      this.text = written.text;
      this.problems = written.problems;
      this.isTextAhead = false;
    });
  }

  /** Follows the text with the rules, as somebody types. */
  type(text: string): void {
    this.text = text;
    this.isTextAhead = true;
    this.#soon(async (signal) => {
      const read = await call("POST /policies/read", { body: { text } }, signal);
      this.problems = read.problems;
      if (read.body === null) return;
      this.#take(read.body);
      this.#known = JSON.stringify(this.body);
      this.isTextAhead = false;
    });
  }

  /** Puts a version in place of what is edited. */
  load(body: PolicyBody, text: string): void {
    this.#take(body);
    this.#known = JSON.stringify(this.body);
    this.text = text;
    this.problems = [];
    this.isTextAhead = false;
  }

  add(): void {
    // The last rule has no conditions, so a new one stands before it.
    this.rows.splice(Math.max(0, this.rows.length - 1), 0, { key: nextKey++, rule: newRule() });
  }

  duplicate(index: number): void {
    const row = this.rows[index];
    if (row) this.rows.splice(index, 0, { key: nextKey++, rule: $state.snapshot(row.rule) as FullRule });
  }

  remove(index: number): void {
    this.rows.splice(index, 1);
  }

  /** Moves a rule to another place; says whether it moved. */
  move(from: number, to: number): boolean {
    const row = this.rows[from];
    if (row === undefined || to < 0 || to >= this.rows.length || from === to) return false;
    this.rows.splice(from, 1);
    this.rows.splice(to, 0, row);
    return true;
  }

  /** Stops what is under way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  #take(body: PolicyBody): void {
    this.takesOver = [...(body.takes_over ?? [])];
    const before = this.rows;
    this.rows = body.rules.map((rule, index) => ({ key: before[index]?.key ?? nextKey++, rule: full(rule) }));
  }

  #soon(work: (signal: AbortSignal) => Promise<void>): void {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.isBusy = true;
    this.#timer = setTimeout(async () => {
      try {
        await work(abort.signal);
        this.failure = null;
      } catch (cause) {
        if (!abort.signal.aborted) this.failure = cause instanceof Error ? cause.message : String(cause);
      } finally {
        if (this.#abort === abort) this.isBusy = false;
      }
    }, pause);
  }
}
