import type { en } from "./en";

/** A text, or its two forms for one and for any other count. */
export type Message = string | { readonly one: string; readonly other: string };

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** The values a message needs, from its `{names}`. */
export type Placeholders<M> = M extends string
  ? { [Name in Names<M>]: string | number }
  : M extends { one: infer One extends string; other: infer Other extends string }
    ? { count: number } & { [Name in Exclude<Names<One> | Names<Other>, "count">]: string | number }
    : never;

/** One language: the same keys as English; `Partial` because a missing message falls back to English. */
export type Catalogue = { readonly [Key in keyof typeof en]?: Message };

/** The shape of one file of another language: every key of the English file, plain or with forms. */
export type Translation<English> = { readonly [Key in keyof English]: Message };
