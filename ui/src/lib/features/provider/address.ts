/** Base URLs with places that a person fills in: `https://{resource}.example.com/v1`. */
import type { ProviderKind, ProviderVariable } from "$lib/api";

type Values = Readonly<Record<string, string>>;

/** The address with its places filled in; a place without a value gets its default, else stays as it is written. */
export function fillAddress(kind: Pick<ProviderKind, "base_url" | "variables">, values: Values): string {
  return kind.variables.reduce((url, variable) => {
    const value = values[variable.name]?.trim() || variable.default;
    return value ? url.replaceAll(`{${variable.name}}`, value) : url;
  }, kind.base_url);
}

/** The values that fill the kind's address up to this one; null where it is another address altogether. */
export function valuesIn(kind: Pick<ProviderKind, "base_url" | "variables">, url: string): Values | null {
  const seen = new Set<string>();
  const pattern = kind.base_url
    .split(/(\{\w+\})/)
    .map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      if (seen.has(name)) return `\\k<${name}>`;
      seen.add(name);
      return `(?<${name}>[^/?#]+?)`;
    })
    .join("");
  const found = new RegExp(`^${pattern}/?$`).exec(url);
  return found === null ? null : { ...found.groups };
}

/** What is wrong with a value as typed. */
export function variableFault(variable: ProviderVariable, value: string): "missing" | "shape" | null {
  const text = value.trim();
  if (text === "") return variable.default === null ? "missing" : null;
  if (variable.choices.length > 0) return null;
  return /^[A-Za-z0-9._-]+$/.test(text) ? null : "shape";
}

/** Where a kind belongs in the list of kinds. */
export type KindGroup = "hosted" | "cloud" | "local" | "compatible";

/** The groups in the order in which they are offered. */
export const kindGroups: readonly KindGroup[] = ["hosted", "cloud", "local", "compatible"];

/** The group of a kind: clouds are those with an address or a credential of the customer's own. */
export function groupOf(kind: ProviderKind): KindGroup {
  if (kind.base_url === "") return "compatible";
  if (kind.is_local) return "local";
  const isCloud =
    kind.variables.some(({ choices }) => choices.length === 0) || !["bearer", "header"].includes(kind.auth);
  return isCloud ? "cloud" : "hosted";
}
