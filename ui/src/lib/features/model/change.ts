/** Changes to a model, as the whole body the API takes: what is not changed is sent as it was. */
import type { Deployment, Model, NewDeployment, NewModel, Rates } from "$lib/api";

/** The model with another price for one deployment. */
export function withPrice(
  model: Model,
  deploymentId: string,
  rates: Pick<Rates, "input" | "output">,
): NewModel {
  return bodyOf(model, model.deployments, (deployment) =>
    deployment.id === deploymentId ? { rates } : priceOf(deployment),
  );
}

/** The model without the deployments of a provider; null where none would be left. */
export function withoutProvider(model: Model, providerId: string): NewModel | null {
  const left = model.deployments.filter((deployment) => deployment.provider_id !== providerId);
  return left.length === 0 ? null : bodyOf(model, left, priceOf);
}

/** The model as it is. */
export function bodyLike(model: Model): NewModel {
  return bodyOf(model, model.deployments, priceOf);
}

/** The model with other names beside its own. */
export function withAliases(model: Model, aliases: readonly string[]): NewModel {
  return { ...bodyLike(model), aliases: [...aliases] };
}

/** The name under which Claude Code lists a model: it shows only what begins with `claude-`. */
export function claudeAlias(name: string): string {
  const tail = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return tail.startsWith("claude-") ? tail : `claude-${tail}`;
}

/** A price as typed, in US dollars per million tokens: a plain decimal. Null where it is none. */
export function parseRate(text: string): string | null {
  const plain = text.trim().replace(",", ".");
  return /^\d{1,7}(\.\d{1,9})?$/.test(plain) ? plain : null;
}

function bodyOf(
  model: Model,
  deployments: readonly Deployment[],
  price: (deployment: Deployment) => NewDeployment["price"],
): NewModel {
  return {
    name: model.name,
    aliases: model.aliases,
    deployments: deployments.map((deployment) => ({
      provider: deployment.provider_id,
      upstream_model: deployment.upstream_model,
      price: price(deployment) ?? null,
      max_output_tokens: deployment.max_output_tokens,
    })),
  };
}

/** The price as it is sent back; the catalogue's own is left out, so that it goes on following the catalogue. */
function priceOf({ price, is_catalogue_price }: Deployment): NewDeployment["price"] {
  if (price === null || is_catalogue_price) return null;
  return { rates: price.rates, tiers: price.tiers ?? [], source: price.source };
}
