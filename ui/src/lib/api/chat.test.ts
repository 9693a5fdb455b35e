import { describe, expect, it, vi } from "vitest";
import { FakeHost } from "../../../tests/fake-host";
import { streamChat } from "./chat";
import { ApiError } from "./client";

const body = { model: "gpt-5", messages: [] };
const word = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

function ask(host: Partial<FakeHost>) {
  Object.assign(new FakeHost({}), host);
  const listener = { onRequestId: vi.fn(), onText: vi.fn() };
  const end = streamChat(body, listener, new AbortController().signal);
  return { listener, end };
}

const textOf = (listener: { onText: ReturnType<typeof vi.fn> }) =>
  listener.onText.mock.calls.map(([text]) => text).join("");

describe("a streamed answer", () => {
  it("reports the request's id and the words, whatever the chunks", async () => {
    const whole = `${word("Gr")}: keep-alive\n\n${word("üße 🎉")}data: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n`;
    const { listener, end } = ask({ chunks: [...whole] });
    await end;
    expect(listener.onRequestId).toHaveBeenCalledExactlyOnceWith("request-1");
    expect(textOf(listener)).toBe("Grüße 🎉");
  });

  it("is cut short when the end mark never came", async () => {
    const { listener, end } = ask({ chunks: [word("half")] });
    await expect(end).rejects.toMatchObject({ code: "upstream.truncated" });
    expect(textOf(listener)).toBe("half");
  });

  it("fails with the gateway's words when an error comes in the middle", async () => {
    const error = { error: { message: "The provider stopped.", code: "upstream.error" } };
    const { listener, end } = ask({
      chunks: [word("half"), `data: ${JSON.stringify(error)}\n\n`, word("more")],
    });
    await expect(end).rejects.toEqual(new ApiError(200, "upstream.error", "The provider stopped."));
    expect(textOf(listener)).toBe("half");
  });

  it("fails with the gateway's words when it was refused", async () => {
    const refusal = JSON.stringify({ error: { message: "No such model.", code: "model.not_found" } });
    const { end } = ask({ streamStatus: 404, chunks: [refusal.slice(0, 9), refusal.slice(9)] });
    await expect(end).rejects.toMatchObject({
      status: 404,
      code: "model.not_found",
      message: "No such model.",
    });
  });

  it("fails with its status when a refusal is no JSON", async () => {
    const { end } = ask({ streamStatus: 502, chunks: ["<html>"] });
    await expect(end).rejects.toMatchObject({ status: 502, code: "http.502" });
  });
});
