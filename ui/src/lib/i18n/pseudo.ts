import type { Catalogue, Message } from "./types";

const accents: Record<string, string> = {
  a: "á",
  c: "ç",
  e: "é",
  i: "ï",
  n: "ñ",
  o: "ô",
  s: "š",
  u: "û",
  y: "ý",
  A: "Å",
  E: "É",
  O: "Ø",
  U: "Û",
};

function stretch(text: string): string {
  const accented = text.replace(/\{\w+\}|[a-zA-Z]/g, (part) =>
    part.length > 1 ? part : (accents[part] ?? part),
  );
  return `[${accented}${"·".repeat(Math.ceil(text.length * 0.4))}]`;
}

/** English made 40 % longer with accents: shows clipped layouts and strings outside the catalogue. */
export function pseudo(catalogue: Catalogue): Catalogue {
  const stretched = Object.entries(catalogue).map(([key, message]): [string, Message] => [
    key,
    typeof message === "string"
      ? stretch(message)
      : { one: stretch(message.one), other: stretch(message.other) },
  ]);
  return Object.fromEntries(stretched) as Catalogue;
}
