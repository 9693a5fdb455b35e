import { expect, it, vi } from "vitest";
import { type Host, HostError, setHost } from "../host";
import { ApiError, call, errorOf, pathOf, whenSessionEnds } from "./client";

function hostAnswering(answer: () => Promise<{ status: number; json: unknown }>): Host["request"] {
  const request = vi.fn(async () => ({ headers: {}, text: "", ...(await answer()) }));
  setHost({ request } as unknown as Host);
  return request;
}

it("fills a path and leaves out what is not given", () => {
  expect(pathOf("GET /requests/{id}", { path: { id: "a/b" } })).toEqual({
    method: "GET",
    path: "/requests/a%2Fb",
  });
  expect(pathOf("GET /requests", { query: { q: "a b", model: undefined, limit: 5 } }).path).toBe(
    "/requests?q=a+b&limit=5",
  );
});

it("keeps the code, the sentence and the field of an error", async () => {
  const json = { error: { code: "provider.name_taken", message: "The name is taken.", field: "name" } };
  hostAnswering(async () => ({ status: 409, json }));
  const failure = await call("GET /keys", {}).catch((cause: unknown) => cause);
  expect(failure).toMatchObject({
    status: 409,
    code: "provider.name_taken",
    message: "The name is taken.",
    field: "name",
  });
});

it("makes a sentence of an answer that has none", () => {
  expect(errorOf(502, null)).toMatchObject({ code: "http.502", field: null });
});

it("tells a connection that failed from an answer that failed", async () => {
  hostAnswering(async () => {
    throw new HostError("connection refused");
  });
  const failure = await call("GET /keys", {}).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(ApiError);
  expect(failure).toMatchObject({ status: 0, code: "host.unreachable" });
});

it("reports the end of the session", async () => {
  const ended = vi.fn();
  whenSessionEnds(ended);
  hostAnswering(async () => ({ status: 401, json: null }));
  await call("GET /keys", {}).catch(() => {});
  expect(ended).toHaveBeenCalledOnce();
});
