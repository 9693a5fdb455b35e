/**
 * Markdown as a closed tree of what the screen may draw.
 *
 * The text comes from a model, so it is hostile. Nothing here produces HTML: the parser's tokens become
 * the few shapes below, components draw them as elements, and what fits no shape is drawn as the text it
 * was. There is no string of markup that a browser could read differently from us.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { decodeEntities } from "./entities";
import { safeAddress } from "./safe-address";

/** A part of a line. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "break" }
  | { kind: "strong" | "emphasis" | "deleted"; parts: Inline[] }
  | { kind: "link"; address: string; parts: Inline[] }
  /** Never loaded: fetching it would tell its host that the answer was read, and what was in it. */
  | { kind: "image"; address: string | null; alt: string };

/** One item of a list; `checked` is null unless it is a task. */
export type Item = { checked: boolean | null; blocks: Block[] };

/** One cell of a table. */
export type Cell = { align: "center" | "left" | "right" | null; parts: Inline[] };

/** A part of a text. `source` is the Markdown it was read from. */
export type Block = { source: string } & (
  | { kind: "paragraph"; parts: Inline[] }
  | { kind: "heading"; depth: number; parts: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; start: number | null; items: Item[] }
  | { kind: "table"; head: Cell[]; rows: Cell[][] }
  | { kind: "rule" }
);

/** How deep quotes and lists may nest before the rest is shown as text. */
const MAX_DEPTH = 12;

/**
 * Reads Markdown. Blocks of `before` whose source is unchanged are handed back as the same objects, so
 * that a growing answer only draws its last block again.
 */
export function parseMarkdown(source: string, before: readonly Block[] = []): Block[] {
  const blocks = toBlocks(new Lexer({ gfm: true }).lex(source), 0);
  return blocks.map((block, index) => {
    const old = before[index];
    return old !== undefined && old.source === block.source && old.kind === block.kind ? old : block;
  });
}

function toBlocks(tokens: readonly Token[], depth: number): Block[] {
  if (depth > MAX_DEPTH) {
    return tokens.map((token) => literal(token.raw));
  }
  return (tokens as MarkedToken[]).flatMap((token) => toBlock(token, depth) ?? []);
}

function toBlock(token: MarkedToken, depth: number): Block | null {
  const source = token.raw;
  switch (token.type) {
    case "space":
    case "def":
    case "checkbox":
      return null;
    case "heading":
      return { source, kind: "heading", depth: token.depth, parts: toInlines(token.tokens, depth) };
    case "paragraph":
      return { source, kind: "paragraph", parts: toInlines(token.tokens, depth) };
    case "text":
      return { source, kind: "paragraph", parts: toInlines(token.tokens ?? [token], depth) };
    case "code":
      return { source, kind: "code", language: languageOf(token.lang), text: token.text };
    case "blockquote":
      return { source, kind: "quote", blocks: toBlocks(token.tokens, depth + 1) };
    case "list":
      return {
        source,
        kind: "list",
        start: token.ordered ? Number(token.start) : null,
        items: token.items.map((item) => toItem(item, depth + 1)),
      };
    case "table":
      return {
        source,
        kind: "table",
        head: toRow(token.header, depth),
        rows: token.rows.map((row) => toRow(row, depth)),
      };
    case "hr":
      return { source, kind: "rule" };
    default:
      return literal(source);
  }
}

function literal(source: string): Block {
  return { source, kind: "paragraph", parts: [{ kind: "text", text: source.trimEnd() }] };
}

function toItem(item: Tokens.ListItem, depth: number): Item {
  return { checked: item.task ? item.checked === true : null, blocks: toBlocks(item.tokens, depth) };
}

function toRow(cells: readonly Tokens.TableCell[], depth: number): Cell[] {
  return cells.map((cell) => ({ align: cell.align, parts: toInlines(cell.tokens, depth) }));
}

function toInlines(tokens: readonly Token[], depth: number): Inline[] {
  if (depth > MAX_DEPTH) {
    return tokens.map((token) => ({ kind: "text", text: token.raw }));
  }
  return (tokens as MarkedToken[]).map((token) => toInline(token, depth + 1));
}

function toInline(token: MarkedToken, depth: number): Inline {
  switch (token.type) {
    case "text":
      return { kind: "text", text: decodeEntities(token.text) };
    case "escape":
      return { kind: "text", text: token.text };
    case "codespan":
      return { kind: "code", text: token.text };
    case "br":
      return { kind: "break" };
    case "strong":
      return { kind: "strong", parts: toInlines(token.tokens, depth) };
    case "em":
      return { kind: "emphasis", parts: toInlines(token.tokens, depth) };
    case "del":
      return { kind: "deleted", parts: toInlines(token.tokens, depth) };
    case "link":
      return toLink(token, depth);
    case "image":
      return { kind: "image", address: safeAddress(token.href), alt: decodeEntities(token.text) };
    case "html":
      // Models write line breaks in tables this way; any other tag is shown as it was written.
      return /^<br\s*\/?>$/i.test(token.raw) ? { kind: "break" } : { kind: "text", text: token.raw };
    default:
      return { kind: "text", text: token.raw };
  }
}

function toLink(token: Tokens.Link, depth: number): Inline {
  const address = safeAddress(token.href);
  return address === null
    ? { kind: "text", text: token.raw }
    : { kind: "link", address, parts: toInlines(token.tokens, depth) };
}

function languageOf(info: string | undefined): string {
  return /^[\w+#.-]{1,24}/.exec(info ?? "")?.[0] ?? "";
}
