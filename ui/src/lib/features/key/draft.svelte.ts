import { ApiError, type CreatedKey, mutate } from "$lib/api";
import { m } from "$lib/i18n";

/** How long a new key works, in days; null is without end. */
export const lifetimes = [30, 90, 365, null] as const;

/** A key as it is being written: three fields. */
export class KeyDraft {
  name = $state("");
  /** Every model, also those added later. */
  hasAllModels = $state(true);
  models = $state<string[]>([]);
  lifetimeDays = $state<number | null>(90);
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

  /** Makes the key. Null where that failed; the errors then say why. */
  async save(now: Date = new Date()): Promise<CreatedKey | null> {
    this.error = null;
    this.nameError = this.name.trim() === "" ? m.key_error_name() : null;
    this.modelsError = !this.hasAllModels && this.models.length === 0 ? m.key_error_models() : null;
    if (this.nameError !== null || this.modelsError !== null) {
      return null;
    }
    this.isSaving = true;
    try {
      return await mutate("POST /keys", { body: this.#body(now) });
    } catch (cause) {
      this.#take(cause);
      return null;
    } finally {
      this.isSaving = false;
    }
  }

  #body(now: Date) {
    const expiry =
      this.lifetimeDays === null ? null : new Date(now.getTime() + this.lifetimeDays * 86_400_000);
    return {
      name: this.name.trim(),
      models: this.hasAllModels ? null : this.models,
      expires_at: expiry?.toISOString() ?? null,
      is_strict: this.isStrict,
    };
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
