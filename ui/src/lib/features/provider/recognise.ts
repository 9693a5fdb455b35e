/** What can be told about a provider before anything is sent: from a key's shape, from what exists. */
import type { Provider, ProviderKind } from "$lib/api";

/** The kind whose key looks like this one: the longest matching prefix wins. Null where none does. */
export function kindOfSecret(secret: string, kinds: readonly ProviderKind[]): ProviderKind | null {
  const text = secret.trim();
  let best: { kind: ProviderKind; length: number } | null = null;
  for (const kind of kinds) {
    for (const prefix of kind.key_prefixes) {
      if (prefix !== "" && text.startsWith(prefix) && prefix.length > (best?.length ?? 0)) {
        best = { kind, length: prefix.length };
      }
    }
  }
  return best?.kind ?? null;
}

/** A name that is free: the wish itself, else with a number behind it. Lower case, no slash. */
export function freeName(wish: string, providers: readonly Pick<Provider, "name">[]): string {
  const base =
    wish
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^-+|-+$/g, "") || "provider";
  const taken = new Set(providers.map((provider) => provider.name));
  let name = base;
  for (let number = 2; taken.has(name); number += 1) {
    name = `${base}-${number}`;
  }
  return name;
}

/** What is wrong with a provider's name as typed. */
export type NameFault = "missing" | "shape";

/** Checks a provider's name: it is what requests pin it by, as in `name/model`. */
export function nameFault(name: string): NameFault | null {
  if (name.trim() === "") {
    return "missing";
  }
  return /^[a-z0-9][a-z0-9._-]*$/.test(name.trim()) ? null : "shape";
}

/** Whether a text is an address that a provider can be called at. */
export function isBaseUrl(text: string): boolean {
  try {
    const url = new URL(text);
    return (
      (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.search === ""
    );
  } catch {
    return false;
  }
}
