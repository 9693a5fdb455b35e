/** What needs a person, worst first. Each item says what is wrong, what it means and what to do. */
import type { Figures, Provider, Radar, RadarEntry, Status } from "$lib/api";
import { percent } from "$lib/format";
import { m } from "$lib/i18n";
import type { Parameters } from "$lib/router.svelte";

export interface Attention {
  id: string;
  tone: "bad" | "warn";
  text: string;
  /** Where it is dealt with. */
  screen: string;
  parameters: Parameters;
}

/** Share of failed requests from which a provider needs care, and how many make the share meaningful. */
const failingShare = 0.1;
const fewestRequests = 5;

function ofStatus(status: Status): Attention[] {
  const items: Attention[] = [];
  const item = (id: string, tone: "bad" | "warn", text: string) =>
    items.push({ id, tone, text, screen: "settings", parameters: {} });
  if (status.proxy.state === "failed") {
    item("proxy", "bad", m.overview_attention_proxy({ detail: status.proxy.error ?? "" }));
  }
  if (status.ledger.state !== "ok") {
    item("ledger", "bad", m.overview_attention_ledger({ detail: status.ledger.error ?? "" }));
  }
  if (status.proxy.state === "paused") item("paused", "warn", m.overview_attention_paused());
  return items;
}

function ofProvider(provider: Provider): Attention[] {
  if (!provider.is_enabled) return [];
  const { requests, errors } = provider.last_24h;
  const parameters = { selected: provider.id };
  if (provider.credential.state === "unavailable") {
    const text = m.overview_attention_credential({ name: provider.name });
    return [{ id: `credential:${provider.id}`, tone: "bad", text, screen: "providers", parameters }];
  }
  if (requests < fewestRequests || errors / requests < failingShare) return [];
  const text = m.overview_attention_failing({ name: provider.name, share: percent(errors / requests) });
  return [{ id: `failing:${provider.id}`, tone: "bad", text, screen: "providers", parameters }];
}

function ofFigures(figures: Figures): Attention[] {
  const count = figures.unknown_cost_requests;
  if (count === 0) return [];
  const text = m.overview_attention_unpriced({ count });
  return [{ id: "unpriced", tone: "warn", text, screen: "providers", parameters: {} }];
}

/** Models that end soon are for the day; those that still have time and another deployment can wait. */
const soon = 60;

function ofRadar(entry: RadarEntry): Attention[] {
  const { deployment_id, model: name, days_left: days, is_gone, requests_30d } = entry;
  if (entry.has_other || requests_30d === 0 || (days !== null && days > soon)) return [];
  const requests = m.common_requests({ count: requests_30d });
  const item = { id: `retires:${deployment_id}`, screen: "models", parameters: { view: "radar" } };
  if (is_gone) return [{ ...item, tone: "bad", text: m.overview_attention_retired({ name }) }];
  const text =
    days === null
      ? m.overview_attention_deprecated({ name, requests })
      : m.overview_attention_retires({ name, count: days, requests });
  return [{ ...item, tone: "warn", text }];
}

/** Everything that needs care, from what is known so far. */
export function attentionOf(
  status: Status | undefined,
  providers: readonly Provider[] | undefined,
  figures: Figures | undefined,
  radar: Radar | undefined,
): Attention[] {
  const items = [
    ...(status ? ofStatus(status) : []),
    ...(providers ?? []).flatMap(ofProvider),
    ...(figures ? ofFigures(figures) : []),
    ...(radar?.entries ?? []).flatMap(ofRadar),
  ];
  return items.sort((left, right) => Number(left.tone === "warn") - Number(right.tone === "warn"));
}
