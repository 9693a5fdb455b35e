/** A request that is only thought of, and where it would go: asked again at each change. */
import { call, type ExplainRoute, type Explanation, type PolicyBody, type TaskNeed } from "$lib/api";
import { namesIn } from "$lib/features/policy/choices";

/** Short enough that the answer follows typing, long enough that not every letter asks. */
const pause = 60;

function pairs(text: string): Record<string, string> {
  return Object.fromEntries(
    namesIn(text).flatMap((pair) => {
      const at = pair.indexOf("=");
      return at > 0 ? [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]] : [];
    }),
  );
}

export class Simulation {
  prompt = $state("");
  /** `key:ID` or `unit:ID`; empty for the playground's key. */
  as = $state("");
  tags = $state("");
  headers = $state("");
  session = $state("");
  /** As the field for a date and time has it. */
  at = $state("");
  budget = $state("");
  needs = $state<TaskNeed[]>([]);
  answer = $state.raw<Explanation | null>(null);
  error = $state<string | null>(null);
  isBusy = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  constructor(readonly policyId: string | undefined) {}

  /** Asks with what is filled in now; null waits for a draft that can be read. */
  follow(body: PolicyBody | null): void {
    const question = this.#question(body);
    this.stop();
    if (body === null) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.isBusy = true;
    this.#timer = setTimeout(async () => {
      try {
        this.answer = await call("POST /route/explain", { body: question }, abort.signal);
        this.error = null;
      } catch (cause) {
        if (abort.signal.aborted) return;
        this.error = cause instanceof Error ? cause.message : String(cause);
      }
      if (this.#abort === abort) this.isBusy = false;
    }, pause);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  #question(body: PolicyBody | null): ExplainRoute {
    const [kind, id = ""] = this.as.split(":");
    const budget = Number(this.budget.trim());
    return {
      body,
      ...(this.policyId === undefined ? {} : { policy_id: this.policyId }),
      prompt: this.prompt,
      ...(kind === "key" ? { key_id: id } : {}),
      ...(kind === "unit" ? { unit_id: id } : {}),
      tags: pairs(this.tags),
      headers: pairs(this.headers),
      needs: [...this.needs],
      ...(this.session.trim() === "" ? {} : { session: this.session.trim() }),
      ...(this.at === "" ? {} : { at: new Date(this.at).toISOString() }),
      ...(this.budget.trim() === "" || !Number.isInteger(budget) || budget < 0
        ? {}
        : { budget_used_percent: budget }),
    };
  }
}
