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

function priceOf({ price }: Deployment): NewDeployment["price"] {
  return price === null ? null : { rates: price.rates, source: price.source };
}
