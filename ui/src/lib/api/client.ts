import { HostError, host, type Method } from "../host";
import type { Operation, OperationAnswer, OperationInput } from "./operations";

/** The API answered with an error, or nothing answered (`status` 0, code `host.unreachable`). */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    /** The HTTP status; 0 where nothing answered. */
    readonly status: number,
    /** The stable code, such as `provider.name_taken`. */
    readonly code: string,
    message: string,
    /** The body field at fault, where there is one. */
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

interface AnyInput {
  path?: Record<string, string | number>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
}

/** The path of an operation with its parameters and query filled in. */
export function pathOf(operation: string, input: AnyInput): { method: Method; path: string } {
  const [method = "GET", template = "/"] = operation.split(" ");
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(input.path?.[name] ?? ""),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const search = query.size > 0 ? `?${query}` : "";
  return { method: method as Method, path: path + search };
}

/** The error of an answer with a status of 400 or above. */
export function errorOf(status: number, json: unknown): ApiError {
  const error = (json as { error?: { code?: unknown; message?: unknown; field?: unknown } } | null)?.error;
  return new ApiError(
    status,
    typeof error?.code === "string" ? error.code : `http.${status}`,
    typeof error?.message === "string" ? error.message : `The control API answered with status ${status}.`,
    typeof error?.field === "string" ? error.field : null,
  );
}

type SessionListener = () => void;
let onSessionEnd: SessionListener = () => {};

/** Called when the API no longer accepts this window's session. */
export function whenSessionEnds(listener: SessionListener): void {
  onSessionEnd = listener;
}

/** Calls one operation and returns its answer. Rejects with `ApiError`, or `AbortError` when aborted. */
export async function call<Name extends Operation>(
  operation: Name,
  input: OperationInput<Name>,
  signal?: AbortSignal,
): Promise<OperationAnswer<Name>> {
  const { method, path } = pathOf(operation, input as AnyInput);
  try {
    const answer = await host().request(method, path, (input as AnyInput).body, signal);
    if (answer.status < 400) return answer.json as OperationAnswer<Name>;
    if (answer.status === 401) onSessionEnd();
    throw errorOf(answer.status, answer.json);
  } catch (cause) {
    if (cause instanceof HostError) throw new ApiError(0, "host.unreachable", cause.message);
    throw cause;
  }
}
