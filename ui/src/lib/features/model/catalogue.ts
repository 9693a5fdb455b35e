/** The models that can be chosen from: the catalogue's, and those of this installation that it does not know. */
import type { Blend, CatalogList, CatalogModel, Model, Provider, UnlistedModel } from "$lib/api";

/** One model of one provider kind, ready to be searched, ordered and drawn. */
export interface Entry {
  /** The provider kind and the provider's own id: `openai/gpt-5`. */
  key: string;
  model: CatalogModel;
  /** False for a model of this installation that the catalogue does not know, such as a local one. */
  isListed: boolean;
  /** US dollars per million tokens at a mix, for charts and order; null where it has no price per token. */
  blended: number | null;
  /** Lower case, for the search. */
  text: string;
}

/** How much of the tokens is input, in percent; the rest is output. */
export interface Mix {
  inputPercent: number;
  /** From this installation's own requests, not assumed. */
  isOwn: boolean;
}

/** The mix as the server tells it. */
export function mixOf({ input_percent, is_own }: Blend): Mix {
  return { inputPercent: input_percent, isOwn: is_own };
}

/** The key of a model: its provider kind and the provider's own id for it. */
export function keyOf(kind: string, id: string): string {
  return `${kind}/${id}`;
}

/** The kind and the id of a key; ids may hold further slashes, kinds do not. */
export function partsOf(key: string): { kind: string; id: string } {
  const at = key.indexOf("/");
  return { kind: key.slice(0, at), id: key.slice(at + 1) };
}

/** A price per million tokens at the mix; null where the model is not charged by the token. */
export function blendedOf(model: Pick<CatalogModel, "price" | "mode">, mix: Mix): number | null {
  if (model.price === null) return null;
  const [input, output] = [Number(model.price.input), Number(model.price.output)];
  if (input === 0 && output === 0 && model.price.per_unit !== null) return null;
  // What only reads has no output to mix in.
  if (model.mode === "embedding" || model.mode === "rerank" || model.mode === "moderation") return input;
  return (input * mix.inputPercent + output * (100 - mix.inputPercent)) / 100;
}

/** Every entry: those only this installation knows, then those of the catalogue. */
export function entriesOf(
  list: CatalogList,
  models: readonly Model[],
  providers: readonly Provider[],
  kindNames: ReadonlyMap<string, string>,
): Entry[] {
  const mix = mixOf(list.blend);
  const listed = list.models.map((model) => entryOf(model, true, kindNames, mix));
  const known = new Set(listed.map(({ key }) => key));
  const own = ownModels(list.unlisted, models, providers)
    .filter((model) => !known.has(keyOf(model.kind, model.id)))
    .map((model) => entryOf(model, false, kindNames, mix));
  return [...own, ...listed];
}

function entryOf(
  model: CatalogModel,
  isListed: boolean,
  kindNames: ReadonlyMap<string, string>,
  mix: Mix,
): Entry {
  const names = model.mine?.models.map(({ name }) => name).join(" ") ?? "";
  const text = `${model.name} ${model.id} ${model.maker} ${model.family ?? ""} ${model.kind} ${kindNames.get(model.kind) ?? ""} ${names}`;
  return {
    key: keyOf(model.kind, model.id),
    model,
    isListed,
    blended: blendedOf(model, mix),
    text: text.toLowerCase(),
  };
}

/** What providers list and what is added by hand, as the catalogue would show it; facts nobody told stay unknown. */
function ownModels(
  unlisted: readonly UnlistedModel[],
  models: readonly Model[],
  providers: readonly Provider[],
): CatalogModel[] {
  const kinds = new Map(providers.map((provider) => [provider.id, provider.kind]));
  const found = new Map<string, CatalogModel>();
  for (const { kind, id, name, context, max_output, provider_id, provider, models: names } of unlisted) {
    const model = found.get(keyOf(kind, id)) ?? unknownModel(kind, id);
    const facts = {
      name: name ?? model.name,
      context: context ?? model.context,
      max_output: max_output ?? model.max_output,
    };
    const mine = withMine(model.mine, { id: provider_id, name: provider, is_seen: true }, names);
    found.set(keyOf(kind, id), { ...model, ...facts, mine });
  }
  for (const { id, name, deployments } of models) {
    for (const deployment of deployments) {
      const kind = kinds.get(deployment.provider_id);
      if (kind === undefined) continue;
      const key = keyOf(kind, deployment.upstream_model);
      const model = found.get(key) ?? unknownModel(kind, deployment.upstream_model);
      const provider = { id: deployment.provider_id, name: deployment.provider, is_seen: null };
      found.set(key, {
        ...model,
        price: model.price ?? glanceOf(deployment),
        max_output: model.max_output ?? deployment.max_output_tokens,
        mine: withMine(model.mine, provider, [{ id, name }]),
      });
    }
  }
  return [...found.values()];
}

type Mine = NonNullable<CatalogModel["mine"]>;

/** One more provider and more public models, each once. */
function withMine(
  before: CatalogModel["mine"],
  provider: Mine["providers"][0],
  models: Mine["models"],
): Mine {
  const { providers, models: known } = before ?? { providers: [], models: [] };
  return {
    providers: providers.some(({ id }) => id === provider.id) ? providers : [...providers, provider],
    models: [...known, ...models.filter(({ id }) => !known.some((one) => one.id === id))],
  };
}

function glanceOf({ price, is_free }: Model["deployments"][number]): CatalogModel["price"] {
  if (price === null)
    return is_free ? { input: "0", output: "0", cached_read: null, per_unit: null, has_tiers: false } : null;
  const { input = "0", output = "0", cached_read } = price.rates;
  return { input, output, cached_read: cached_read ?? null, per_unit: null, has_tiers: false };
}

function unknownModel(kind: string, id: string): CatalogModel {
  return {
    kind,
    id,
    name: id,
    maker: "",
    family: null,
    mode: "chat",
    price: null,
    context: null,
    max_output: null,
    input: [],
    output: [],
    features: [],
    knowledge: null,
    released: null,
    shuts_down: null,
    status: "current",
    open_weights: null,
    disagreements: 0,
    mine: null,
  };
}
