import { afterEach, describe, expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { m, setLanguage } from "./index";
import { pseudo } from "./pseudo";
import type { Message } from "./types";

afterEach(() => setLanguage("en"));

function texts(message: Message): string[] {
  return typeof message === "string" ? [message] : [message.one, message.other];
}

function placeholders(message: Message): string[] {
  const names = texts(message).flatMap((text) =>
    [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""),
  );
  return [...new Set(names)].sort();
}

const keys = Object.keys(en) as (keyof typeof en)[];

describe("German", () => {
  it("has every message", () => {
    expect(keys.filter((key) => de[key] === undefined)).toEqual([]);
  });

  it("uses the placeholders of English", () => {
    const different = keys.filter((key) => {
      const german = de[key];
      return german !== undefined && placeholders(german).join() !== placeholders(en[key]).join();
    });
    expect(different).toEqual([]);
  });
});

it("says the same words in one style: no capitals for emphasis, no exclamation marks", () => {
  const loud = keys.filter((key) =>
    texts(en[key]).some((text) => text.includes("!") || /\b[A-Z]{6,}\b/.test(text)),
  );
  expect(loud).toEqual([]);
});

it("chooses the form by count and groups numbers", () => {
  expect(m.common_requests({ count: 1 })).toBe("1 request");
  expect(m.common_requests({ count: 1_400 })).toBe("1,400 requests");
});

it("follows a change of language", async () => {
  await setLanguage("de");
  expect(m.common_cancel()).toBe("Abbrechen");
  expect(m.common_requests({ count: 1_400 })).toBe("1.400 Anfragen");
  expect(document.documentElement.lang).toBe("de");
});

it("stretches the pseudo-locale by 40 % and keeps placeholders", () => {
  const stretched = pseudo(en);
  const message = stretched.proxy_copy_address as string;
  expect(message.length).toBeGreaterThanOrEqual(en.proxy_copy_address.length * 1.4);
  expect(message).toContain("{address}");
});
