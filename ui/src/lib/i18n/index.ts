/**
 * The message catalogue. Every string a person sees is here, one file per screen in `en/` and `de/`.
 *
 *     import { m } from "$lib/i18n";
 *     m.providers_title()
 *     m.requests_selected({ count: 3 })        // "{count} request" / "{count} requests"
 *
 * To add a message: put it into `en/<screen>.ts` and `de/<screen>.ts`; TypeScript asks for the
 * placeholders. Numbers given to a placeholder are grouped for the locale; give it text for anything
 * else (money, time: `lib/format.ts`). A message with `one` and `other` chooses by `count`.
 */
import { count, setFormatLocale } from "../format";
import { systemLocale } from "../locale";
import { en } from "./en";
import { catalogueState } from "./state.svelte";
import type { Catalogue, Message, Placeholders } from "./types";

export type Messages = {
  [Key in keyof typeof en]: (typeof en)[Key] extends Message
    ? keyof Placeholders<(typeof en)[Key]> extends never
      ? () => string
      : (values: Placeholders<(typeof en)[Key]>) => string
    : never;
};

export const languages = ["en", "de", "en-XA"] as const;
export type Language = (typeof languages)[number];

const storageName = "megarouter.language";

function choose(message: Message, values: Record<string, unknown>): string {
  if (typeof message === "string") return message;
  const number = Number(values.count);
  return new Intl.PluralRules(catalogueState.language).select(number) === "one" ? message.one : message.other;
}

function render(key: keyof typeof en, values: Record<string, unknown> = {}): string {
  const message = catalogueState.catalogue[key] ?? en[key];
  return choose(message, values).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? count(value) : String(value ?? "");
  });
}

/** The messages, one function each. Reading one in a template follows a change of language. */
export const m = new Proxy({} as Messages, {
  get: (_, key) => (values?: Record<string, unknown>) => render(key as keyof typeof en, values),
});

/** The language in use. */
export function language(): Language {
  return catalogueState.language;
}

/** Loads and applies a language, and remembers it. */
export async function setLanguage(chosen: Language): Promise<void> {
  catalogueState.catalogue = await load(chosen);
  catalogueState.language = chosen;
  document.documentElement.lang = chosen === "en-XA" ? "en" : chosen;
  setFormatLocale(systemLocale.startsWith(chosen) ? systemLocale : chosen === "en-XA" ? "en" : chosen);
  localStorage.setItem(storageName, chosen);
}

/** Applies the remembered language, else the system's, else English. */
export async function startLanguage(): Promise<void> {
  const remembered = localStorage.getItem(storageName) as Language | null;
  const wanted = remembered && languages.includes(remembered) ? remembered : systemLanguage();
  if (wanted !== "en") await setLanguage(wanted);
}

function systemLanguage(): Language {
  return systemLocale.startsWith("de") ? "de" : "en";
}

async function load(chosen: Language): Promise<Catalogue> {
  switch (chosen) {
    case "en":
      return en;
    case "de":
      return (await import("./de")).de;
    case "en-XA":
      return (await import("./pseudo")).pseudo(en);
  }
}
