import { expect, it } from "vitest";
import { SseReader } from "./sse";

const text =
  ': hello\r\n\r\nevent: request\r\ndata: {"name":"Grüße 🦀"}\r\n\r\ndata: one\ndata: two\n\nevent: status\n\ndata:[DONE]\n\n';
const expected = [
  ["request", '{"name":"Grüße 🦀"}'],
  ["message", "one\ntwo"],
  ["message", "[DONE]"],
];

function readIn(size: number): string[][] {
  const bytes = new TextEncoder().encode(text);
  const seen: string[][] = [];
  const reader = new SseReader((name, data) => seen.push([name, data]));
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.slice(at, at + size));
  return seen;
}

it.each([1, 2, 3, 5, 7, 1_000])("reads the same events from chunks of %i bytes", (size) => {
  expect(readIn(size)).toEqual(expected);
});
