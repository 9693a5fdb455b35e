/** What adding the selected models would do, before it is done, and what takes it back. */
import type { AdoptedModel, Model, NewModel, Provider } from "$lib/api";
import type { Entry } from "$lib/features/model/catalogue";
import { bodyLike } from "$lib/features/model/change";

export interface Adoption {
  adopt: AdoptedModel[];
  /** How many models each provider would serve. */
  byProvider: [provider: string, count: number][];
  /** Kinds with more than one provider: which of them shall serve. */
  choices: { kind: string; providers: Provider[] }[];
  /** Names that exist and get one more deployment. */
  joined: number;
  unpriced: number;
  /** Missing from their provider's own list. */
  absent: number;
  alreadyThere: number;
  withoutProvider: number;
  missingKinds: string[];
}

/** The plan for some entries; `chosen` names the provider of a kind where the person chose one. */
export function adoptionOf(
  entries: readonly Entry[],
  providers: readonly Provider[],
  models: readonly Model[],
  chosen: Readonly<Record<string, string>>,
): Adoption {
  const kinds = new Set(providers.map(({ kind }) => kind));
  const byKind = new Map([...kinds].map((kind) => [kind, providers.filter((one) => one.kind === kind)]));
  const names = new Set(models.flatMap(({ name, aliases }) => [name, ...aliases]));
  const served = new Set(
    models.flatMap(({ deployments }) => deployments.map((one) => `${one.provider_id} ${one.upstream_model}`)),
  );
  const plan: Adoption = {
    adopt: [],
    byProvider: [],
    choices: [],
    joined: 0,
    unpriced: 0,
    absent: 0,
    alreadyThere: 0,
    withoutProvider: 0,
    missingKinds: [],
  };
  const counts = new Map<string, number>();
  for (const { model } of entries) {
    const candidates = byKind.get(model.kind) ?? [];
    const provider = candidates.find(({ id }) => id === chosen[model.kind]) ?? candidates[0];
    if (provider === undefined) {
      plan.withoutProvider += 1;
      if (!plan.missingKinds.includes(model.kind)) plan.missingKinds.push(model.kind);
      continue;
    }
    if (candidates.length > 1 && !plan.choices.some(({ kind }) => kind === model.kind))
      plan.choices.push({ kind: model.kind, providers: candidates });
    if (served.has(`${provider.id} ${model.id}`)) {
      plan.alreadyThere += 1;
      continue;
    }
    plan.adopt.push({ provider: provider.id, upstream_model: model.id });
    counts.set(provider.name, (counts.get(provider.name) ?? 0) + 1);
    if (names.has(model.id)) plan.joined += 1;
    if (model.price === null) plan.unpriced += 1;
    if (model.mine?.providers.find(({ id }) => id === provider.id)?.is_seen === false) plan.absent += 1;
  }
  return { ...plan, byProvider: [...counts] };
}

/** How to take an adoption back: models that are new go, joined ones become what they were. */
export function undoBodies(
  before: readonly Model[],
  after: readonly Model[],
): { id: string; body: NewModel | null }[] {
  return after.map(({ id }) => {
    const old = before.find((model) => model.id === id);
    return { id, body: old === undefined ? null : bodyLike(old) };
  });
}
