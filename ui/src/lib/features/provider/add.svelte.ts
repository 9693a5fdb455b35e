import {
  call,
  type DetectedVariable,
  type Diagnosis,
  type LocalServer,
  mutate,
  type Provider,
  type ProviderKind,
} from "$lib/api";
import { ProviderDraft } from "./draft.svelte";

/** Up to this many models are chosen beforehand; a longer list is for the person to pick from. */
const CHOSEN_BEFOREHAND = 20;

/**
 * Adding a provider: write or take an offer, test, choose models, save. The provider is saved before
 * its models, so a failure in between leaves a provider that `add` completes when asked again.
 */
export class AddFlow {
  readonly draft: ProviderDraft;
  /** The chosen models, by the provider's own ids. */
  selected = $state<string[]>([]);
  /** The provider once it is saved. */
  saved = $state.raw<Provider | null>(null);
  isAdding = $state(false);
  /** Why the models could not be added. */
  error = $state<string | null>(null);

  constructor(kinds: () => readonly ProviderKind[], providers: () => readonly Provider[]) {
    this.draft = new ProviderDraft(kinds, providers);
  }

  /** What the catalogue knows of a provider that lists no models itself. */
  #fromCatalogue = $state.raw<readonly string[]>([]);

  /** The models the tested provider offers; the catalogue's where it has no list. */
  get offered(): readonly string[] {
    const listed = this.draft.diagnosis?.models ?? [];
    return listed.length > 0 ? listed : this.isTested ? this.#fromCatalogue : [];
  }

  /** Whether the offered models come from the catalogue, not from the provider. */
  get isFromCatalogue(): boolean {
    return this.isTested && this.draft.diagnosis?.models.length === 0 && this.#fromCatalogue.length > 0;
  }

  /** Whether the last test of exactly this draft went well. */
  get isTested(): boolean {
    return this.draft.diagnosis?.is_ok === true;
  }

  /** Takes a server that was found on this computer and tests it. */
  async takeServer(server: LocalServer): Promise<void> {
    this.draft.chooseKind(server.kind);
    this.draft.baseUrl = server.base_url;
    this.draft.credential = "none";
    await this.test();
  }

  /** Takes a key from an environment variable and tests it; the value stays where it is. */
  async takeVariable(found: DetectedVariable): Promise<void> {
    this.draft.chooseKind(found.kind);
    this.draft.credential = "environment";
    this.draft.variable = found.variable;
    await this.test();
  }

  /** Tests the draft and chooses models beforehand where the list is short. */
  async test(): Promise<Diagnosis | null> {
    const diagnosis = await this.draft.test();
    const models = diagnosis?.models ?? [];
    this.selected = models.length <= CHOSEN_BEFOREHAND ? [...models] : [];
    if (diagnosis?.is_ok === true && models.length === 0) await this.#askCatalogue();
    return diagnosis;
  }

  async #askCatalogue(): Promise<void> {
    this.#fromCatalogue = [];
    // Without it the provider can still be added, only without models.
    const list = await call("GET /catalog", { query: { kind: this.draft.kindId } }).catch(() => null);
    this.#fromCatalogue = list?.models.map(({ id }) => id) ?? [];
  }

  /** Saves the provider and its chosen models. Null where something failed; the errors say what. */
  async add(): Promise<Provider | null> {
    this.isAdding = true;
    this.error = null;
    try {
      this.saved ??= await this.draft.save();
      if (this.saved !== null && this.selected.length > 0) {
        const input = { path: { id: this.saved.id }, body: { upstream_models: this.selected } };
        await mutate("POST /providers/{id}/models", input);
      }
      return this.saved;
    } catch (cause) {
      this.error = cause instanceof Error ? cause.message : String(cause);
      return null;
    } finally {
      this.isAdding = false;
    }
  }
}
