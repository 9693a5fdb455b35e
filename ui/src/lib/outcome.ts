/** The sentence behind a stable error code. */
import { m } from "./i18n";
import { errors } from "./i18n/en/errors";

type ErrorKey = keyof typeof errors;

function isKnown(key: string): key is ErrorKey {
  return Object.hasOwn(errors, key);
}

/** What happened and what to do, for a code such as `model.not_found`; a general sentence for others. */
export function sentenceOf(code: string): string {
  const key = `error_${code.replaceAll(".", "_")}`;
  return isKnown(key) ? m[key]() : m.error_other();
}
