/** The operations of the control API by `METHOD /path`, computed from the generated document. */
import type { paths } from "./schema";

type Method = "get" | "post" | "put" | "patch" | "delete";
type Base = "/api/v1";

/** Lets a caller write `undefined` for a parameter it leaves out. */
type Lenient<T> = { [Name in keyof T]: T[Name] | undefined };

type Part<Name extends string, Value> = [Value] extends [never | undefined]
  ? object
  : Value extends undefined
    ? object
    : { [Key in Name]: Value };

type QueryPart<Parameters> = Parameters extends { query?: infer Query }
  ? [Exclude<Query, undefined>] extends [never]
    ? object
    : { query?: Lenient<Exclude<Query, undefined>> }
  : object;

type PathPart<Parameters> = Parameters extends { path: infer Path } ? Part<"path", Path> : object;

type BodyPart<Spec> = Spec extends { requestBody: { content: { "application/json": infer Body } } }
  ? { body: Body }
  : object;

type JsonOf<Answer> = Answer extends { content: { "application/json": infer Json } } ? Json : null;

type Responses<Spec> = Spec extends { responses: infer All } ? All : never;

/** The body of the success answer; null where it has none. */
type AnswerOf<Spec> =
  Responses<Spec> extends infer All
    ? All extends { 200: infer Answer }
      ? JsonOf<Answer>
      : All extends { 201: infer Answer }
        ? JsonOf<Answer>
        : null
    : never;

type InputOf<Spec> = Spec extends { parameters: infer Parameters }
  ? QueryPart<Parameters> & PathPart<Parameters> & BodyPart<Spec>
  : object;

type Entries = {
  [Path in keyof paths & string as Path extends `${Base}${infer Rest}` ? Rest : never]: {
    [M in Method as paths[Path][M] extends { responses: unknown } ? Uppercase<M> : never]: {
      input: InputOf<paths[Path][M]>;
      answer: AnswerOf<paths[Path][M]>;
    };
  };
};

/** The name of an operation: `GET /providers/{id}`. */
export type Operation = {
  [Path in keyof Entries & string]: `${keyof Entries[Path] & string} ${Path}`;
}[keyof Entries & string];

type Entry<Name extends Operation> = Name extends `${infer M} ${infer Path}`
  ? Path extends keyof Entries
    ? M extends keyof Entries[Path]
      ? Entries[Path][M]
      : never
    : never
  : never;

/** What an operation takes: `path`, `query` and `body` as far as it has them. */
export type OperationInput<Name extends Operation> =
  Entry<Name> extends { input: infer Input } ? Input : never;

/** What an operation answers. */
export type OperationAnswer<Name extends Operation> =
  Entry<Name> extends { answer: infer Answer } ? Answer : never;
