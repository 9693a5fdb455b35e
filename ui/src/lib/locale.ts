/**
 * Makes `navigator.language` usable. MUST be the first import of the application: in the C locale
 * WebKitGTK reports "C", on which `Intl` throws, and some libraries call `Intl` while they load.
 */
const fallback = "en-US";

/** Whether `Intl` accepts the tag. */
export function isUsableLocale(tag: string | undefined): tag is string {
  if (!tag) return false;
  try {
    return Intl.NumberFormat.supportedLocalesOf([tag]).length > 0;
  } catch {
    return false;
  }
}

/** The first usable tag of the list, else English. */
export function firstUsableLocale(tags: readonly (string | undefined)[]): string {
  return tags.find(isUsableLocale) ?? fallback;
}

/** The locale of numbers and dates: what the operating system says, where it says something valid. */
export const systemLocale = firstUsableLocale([navigator.language, ...(navigator.languages ?? [])]);

if (!isUsableLocale(navigator.language)) {
  Object.defineProperty(navigator, "language", { value: systemLocale, configurable: true });
  Object.defineProperty(navigator, "languages", { value: [systemLocale], configurable: true });
}
