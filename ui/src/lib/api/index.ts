/** The control API: `call` and `mutate` operations, `Query` for cached reads, and the types of both. */
export { ApiError, call } from "./client";
export type { Operation, OperationAnswer, OperationInput } from "./operations";
export { invalidate, mutate, Query, refreshAll } from "./query.svelte";
export type { Tag } from "./tags";
export type * from "./types";
