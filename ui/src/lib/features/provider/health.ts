import type { Provider } from "$lib/api";

/** How a provider is doing, judged by what happened in the last 24 hours. */
export type Health = "disabled" | "no_key" | "idle" | "failing" | "some_errors" | "healthy";

/** From this share of failed requests on, a provider counts as failing. */
const FAILING_SHARE = 0.5;

/** Judges a provider; what a person must fix comes before what the figures say. */
export function healthOf(provider: Pick<Provider, "is_enabled" | "credential" | "last_24h">): Health {
  const { requests, errors } = provider.last_24h;
  if (!provider.is_enabled) return "disabled";
  if (provider.credential.state === "unavailable") return "no_key";
  if (requests === 0) return "idle";
  if (errors / requests >= FAILING_SHARE) return "failing";
  return errors > 0 ? "some_errors" : "healthy";
}
