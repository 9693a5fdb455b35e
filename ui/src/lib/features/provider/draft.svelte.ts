import {
  ApiError,
  type CredentialChoice,
  call,
  type Diagnosis,
  type Dialect,
  mutate,
  type NewProvider,
  type Provider,
  type ProviderKind,
} from "$lib/api";
import { m } from "$lib/i18n";
import { fillAddress, valuesIn, variableFault } from "./address";
import { freeName, isBaseUrl, kindOfSecret, nameFault } from "./recognise";

/** Where the credential comes from, as chosen in the form; `keep` leaves a stored one as it is. */
export type CredentialOrigin = "none" | "stored" | "environment" | "keep";

type FieldName = "kind" | "name" | "base_url" | "secret" | "variable";

/**
 * A provider as it is being written: what was typed, what is wrong with it, and how the test went.
 * With `existing` it changes that provider, else it makes a new one.
 */
export class ProviderDraft {
  kindId = $state("");
  name = $state("");
  baseUrl = $state("");
  credential = $state<CredentialOrigin>("stored");
  secret = $state("");
  variable = $state("");
  /** Where it computes; empty where nobody said. */
  region = $state("");
  /** Whether it keeps prompts; null where nobody said. */
  keepsPrompts = $state<boolean | null>(null);
  /** What fills the places of the base URL, by name. */
  values = $state<Record<string, string>>({});
  /** The only dialect it is called in; empty for those of its kind. */
  dialect = $state<Dialect | "">("");
  /** What is wrong with a value, by name. */
  valueErrors = $state<Record<string, string>>({});
  diagnosis = $state.raw<Diagnosis | null>(null);
  isTesting = $state(false);
  isSaving = $state(false);
  /** A failure that belongs to no field. */
  error = $state<string | null>(null);
  #fieldErrors = $state<Partial<Record<FieldName, string>>>({});
  #hasOwnName = false;
  #tests = 0;
  #kinds: () => readonly ProviderKind[];
  #providers: () => readonly Provider[];
  /** The catalogue's record of the chosen kind. */
  readonly kind = $derived.by(() => this.#kinds().find((kind) => kind.id === this.kindId) ?? null);

  /** The catalogue and the configured providers may still be on their way, so they are asked for when needed. */
  constructor(
    kinds: () => readonly ProviderKind[],
    providers: () => readonly Provider[],
    readonly existing: Provider | null = null,
  ) {
    this.#kinds = kinds;
    this.#providers = providers;
    if (existing !== null) {
      this.kindId = existing.kind;
      this.name = existing.name;
      this.region = existing.region ?? "";
      this.keepsPrompts = existing.keeps_prompts;
      this.baseUrl = existing.base_url;
      this.variable = existing.credential.variable ?? "";
      this.credential = existing.credential.source === "stored" ? "keep" : existing.credential.source;
      this.dialect = existing.dialects[0] ?? "";
      this.#hasOwnName = true;
    }
  }

  /** Chooses the kind and fills in what follows from it; a name typed by hand stays. */
  chooseKind(id: string): void {
    this.kindId = id;
    const kind = this.kind;
    if (kind === null || this.existing !== null) {
      return;
    }
    this.values = {};
    this.dialect = "";
    this.baseUrl = fillAddress(kind, {});
    this.variable = kind.credential_variables[0] ?? "";
    this.credential = kind.needs_credential || this.secret !== "" ? "stored" : "none";
    if (!this.#hasOwnName) {
      this.name = freeName(kind.id, this.#providers());
    }
    this.forgetTest();
  }

  /** The places of the base URL to ask for; none where the address was written as a whole. */
  get variables(): ProviderKind["variables"] {
    if (this.kind === null) return [];
    return this.existing === null || valuesIn(this.kind, this.existing.base_url) !== null
      ? this.kind.variables
      : [];
  }

  /** What fills a place now: what was typed, else what the saved address holds. */
  valueOf(name: string): string {
    const saved =
      this.existing === null || this.kind === null ? null : valuesIn(this.kind, this.existing.base_url);
    return this.values[name] ?? saved?.[name] ?? "";
  }

  /** Takes the value of a place and writes the base URL anew. */
  fill(name: string, value: string): void {
    this.values = { ...this.values, [name]: value };
    if (this.kind === null) return;
    const all = Object.fromEntries(this.kind.variables.map((one) => [one.name, this.valueOf(one.name)]));
    this.baseUrl = fillAddress(this.kind, all);
    this.forgetTest();
  }

  /** Takes a pasted key and recognises whose it is. */
  takeSecret(secret: string): void {
    this.secret = secret;
    const recognised = this.existing === null ? kindOfSecret(secret, this.#kinds()) : null;
    if (recognised !== null && recognised.id !== this.kindId) {
      this.chooseKind(recognised.id);
    }
    this.credential = this.existing !== null || secret !== "" ? "stored" : this.credential;
    this.forgetTest();
  }

  /** Whether the test would use what is saved rather than what is written here. */
  get mustSaveBeforeTest(): boolean {
    return (
      this.existing !== null && this.credential === "keep" && this.baseUrl.trim() !== this.existing.base_url
    );
  }

  /** Takes a name typed by hand. */
  rename(name: string): void {
    this.name = name;
    this.#hasOwnName = name !== "";
  }

  /** Forgets the last test and its errors, because what it tested has changed. */
  forgetTest(): void {
    this.#tests += 1;
    this.isTesting = false;
    this.diagnosis = null;
    this.error = null;
    this.#fieldErrors = {};
    this.valueErrors = {};
  }

  /** What is wrong with a field, in words. */
  fieldError(field: FieldName): string | null {
    return this.#fieldErrors[field] ?? null;
  }

  /** Checks what was typed; returns whether it can be sent. */
  check(): boolean {
    const errors: Partial<Record<FieldName, string>> = {};
    if (this.kind === null) {
      errors.kind = m.provider_error_kind();
    }
    const fault = nameFault(this.name);
    if (fault !== null) {
      errors.name = fault === "missing" ? m.provider_error_name_missing() : m.provider_error_name_shape();
    }
    const valueErrors = this.#checkValues();
    if (this.kind !== null && Object.keys(valueErrors).length === 0 && !isBaseUrl(this.baseUrl)) {
      errors.base_url = m.provider_error_base_url();
    }
    if (this.credential === "stored" && this.secret.trim() === "") {
      errors.secret = m.provider_error_secret();
    }
    if (this.credential === "environment" && this.variable.trim() === "") {
      errors.variable = m.provider_error_variable();
    }
    this.#fieldErrors = errors;
    this.valueErrors = valueErrors;
    return Object.keys(errors).length === 0 && Object.keys(valueErrors).length === 0;
  }

  #checkValues(): Record<string, string> {
    const found = this.variables.flatMap((variable): [string, string][] => {
      const fault = variableFault(variable, this.valueOf(variable.name));
      if (fault === null) return [];
      const text =
        fault === "missing"
          ? m.provider_error_value_missing({ name: variable.label })
          : m.provider_error_value_shape();
      return [[variable.name, text]];
    });
    return Object.fromEntries(found);
  }

  /** Tries the provider as written; nothing is saved. */
  async test(): Promise<Diagnosis | null> {
    if (!this.check()) {
      return null;
    }
    const number = ++this.#tests;
    this.isTesting = true;
    this.error = null;
    try {
      const diagnosis = await this.#diagnose();
      if (number === this.#tests) {
        this.diagnosis = diagnosis;
      }
      return diagnosis;
    } catch (cause) {
      this.#take(cause);
      return null;
    } finally {
      if (number === this.#tests) {
        this.isTesting = false;
      }
    }
  }

  /** Saves it. Null where it could not be saved; the errors then say why. */
  async save(): Promise<Provider | null> {
    if (!this.check()) {
      return null;
    }
    this.isSaving = true;
    this.error = null;
    try {
      return await this.#send();
    } catch (cause) {
      this.#take(cause);
      return null;
    } finally {
      this.isSaving = false;
    }
  }

  #diagnose(): Promise<Diagnosis> {
    // A stored secret never comes back to this window, so the server tests it where it is.
    return this.existing !== null && this.credential === "keep"
      ? call("POST /providers/{id}/test", { path: { id: this.existing.id } })
      : call("POST /providers/test", { body: this.#body() });
  }

  async #send(): Promise<Provider> {
    if (this.existing === null) {
      return mutate("POST /providers", { body: this.#body() });
    }
    const { name, credential } = this.#body();
    const dialects = this.dialect === (this.existing.dialects[0] ?? "") ? {} : { dialects: this.#dialects() };
    const region = this.region.trim() || null;
    const change = {
      name,
      ...(region === this.existing.region ? {} : { region }),
      ...(this.keepsPrompts === this.existing.keeps_prompts ? {} : { keeps_prompts: this.keepsPrompts }),
      base_url: this.baseUrl.trim(),
      ...dialects,
      ...(this.credential === "keep" ? {} : { credential }),
    };
    return mutate("PATCH /providers/{id}", { path: { id: this.existing.id }, body: change });
  }

  #body() {
    return {
      name: this.name.trim(),
      kind: this.kindId,
      ...this.#address(),
      ...(this.dialect === "" ? {} : { dialects: this.#dialects() }),
      credential: this.#credential(),
    } satisfies NewProvider;
  }

  /** The whole address, or what fills the kind's own. */
  #address(): Pick<NewProvider, "base_url"> | Pick<NewProvider, "variables"> {
    const named = this.variables.map(({ name }) => [name, this.valueOf(name).trim()] as const);
    if (named.length === 0 || this.existing !== null) return { base_url: this.baseUrl.trim() };
    return { variables: Object.fromEntries(named.filter(([, value]) => value !== "")) };
  }

  #dialects(): Dialect[] {
    return this.dialect === "" ? [] : [this.dialect];
  }

  #credential(): CredentialChoice {
    switch (this.credential) {
      case "stored":
        return { source: "stored", secret: this.secret.trim() };
      case "environment":
        return { source: "environment", variable: this.variable.trim() };
      case "none":
      case "keep":
        return { source: "none" };
    }
  }

  #take(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    const field = cause instanceof ApiError ? fieldOf(cause.field) : null;
    const place = cause instanceof ApiError ? /^variables\.(\w+)$/.exec(cause.field ?? "")?.[1] : undefined;
    if (place !== undefined) {
      this.valueErrors = { [place]: message };
    } else if (field === null) {
      this.error = message;
    } else {
      this.#fieldErrors = { [field]: message };
    }
  }
}

function fieldOf(name: string | null): FieldName | null {
  switch (name) {
    case "kind":
    case "name":
    case "base_url":
    case "variable":
      return name;
    case "credential.variable":
      return "variable";
    case "credential":
    case "secret":
    case "credential.secret":
      return "secret";
    default:
      return null;
  }
}
