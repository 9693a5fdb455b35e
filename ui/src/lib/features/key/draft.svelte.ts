import { ApiError, type CreatedKey, type Key, mutate } from "$lib/api";
import { m } from "$lib/i18n";

/** How long a key works from now on, in days; null is without end, `kept` as it is. */
export const lifetimes = [30, 90, 365, null] as const;
export type Lifetime = (typeof lifetimes)[number] | "kept";

/** A key as it is being written. */
export class KeyDraft {
  name = $state("");
  /** Every model, also those added later. */
  hasAllModels = $state(true);
  models = $state<string[]>([]);
  lifetimeDays = $state<Lifetime>(90);
  /** The unit it belongs to; empty for the organisation. */
  owner = $state("");
  /** The project it works for; empty for none. */
  project = $state("");
  /** Refuses what a model cannot carry, instead of leaving it out. */
  isStrict = $state(false);
  nameError = $state<string | null>(null);
  modelsError = $state<string | null>(null);
  /** A failure that belongs to no field. */
  error = $state<string | null>(null);
  isSaving = $state(false);

  constructor(name = "") {
    this.name = name;
  }

  /** A copy of a key, to change it. */
  static of(key: Key): KeyDraft {
    const draft = new KeyDraft(key.name);
    draft.hasAllModels = key.models === null;
    draft.models = [...(key.models ?? [])];
    draft.lifetimeDays = "kept";
    draft.owner = key.owner[0]?.id ?? "";
    draft.project = key.project?.id ?? "";
    draft.isStrict = key.is_strict;
    return draft;
  }

  /** Makes the key. Null where that failed; the errors then say why. */
  async save(now: Date = new Date()): Promise<CreatedKey | null> {
    return this.#attempt(() =>
      mutate("POST /keys", { body: { ...this.#body(), expires_at: this.#end(now) } }),
    );
  }

  /** Changes a key. Null where that failed; the errors then say why. */
  async change(id: string, now: Date = new Date()): Promise<Key | null> {
    const end = this.lifetimeDays === "kept" ? {} : { expires_at: this.#end(now) };
    return this.#attempt(() =>
      mutate("PATCH /keys/{id}", { path: { id }, body: { ...this.#body(), ...end } }),
    );
  }

  async #attempt<Done>(work: () => Promise<Done>): Promise<Done | null> {
    this.error = null;
    this.nameError = this.name.trim() === "" ? m.key_error_name() : null;
    this.modelsError = !this.hasAllModels && this.models.length === 0 ? m.key_error_models() : null;
    if (this.nameError !== null || this.modelsError !== null) {
      return null;
    }
    this.isSaving = true;
    try {
      return await work();
    } catch (cause) {
      this.#take(cause);
      return null;
    } finally {
      this.isSaving = false;
    }
  }

  #body() {
    return {
      name: this.name.trim(),
      models: this.hasAllModels ? null : this.models,
      is_strict: this.isStrict,
      owner: this.owner || null,
      project: this.project || null,
    };
  }

  #end(now: Date): string | null {
    if (this.lifetimeDays === null || this.lifetimeDays === "kept") return null;
    return new Date(now.getTime() + this.lifetimeDays * 86_400_000).toISOString();
  }

  #take(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    const field = cause instanceof ApiError ? cause.field : null;
    if (field === "name") {
      this.nameError = message;
    } else if (field === "models") {
      this.modelsError = message;
    } else {
      this.error = message;
    }
  }
}
