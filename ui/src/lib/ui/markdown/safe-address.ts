/**
 * An address that may be offered as a link: absolute, `https`, `http` or `mailto`, and without a user
 * name in front of the host, which makes one host look like another. Null for anything else.
 */
export function safeAddress(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol === "mailto:") {
    return url.href;
  }
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && url.hostname !== "" && url.username === "" && url.password === "" ? url.href : null;
}

/** What a person should read before they follow an address: the host, or the mail address. */
export function hostOf(address: string): string {
  const url = new URL(address);
  return url.protocol === "mailto:" ? url.pathname : url.host;
}
