/** A host that answers from a table and remembers what it was asked; for tests of components. */
import { type Host, HostError, type HostResponse, type Method, setHost } from "../src/lib/host";

export interface Call {
  method: Method;
  path: string;
  body: unknown;
}

/** What an operation (`GET /keys`) answers: JSON with status 200, or all of it. A function sees the call. */
type Reply = { status?: number; json: unknown };
export type Answers = Record<string, unknown | ((call: Call) => Reply | Promise<Reply>)>;

export class FakeHost {
  readonly calls: Call[] = [];
  readonly copied: { text: string; isPrivate: boolean }[] = [];
  readonly opened: string[] = [];
  /** What the next stream sends, and with which status. */
  chunks: string[] = ["data: [DONE]\n\n"];
  streamStatus = 200;
  requestId: string | null = "request-1";

  constructor(readonly answers: Answers) {
    setHost(this.#host());
  }

  /** The bodies that were sent to an operation. */
  bodies(operation: string): unknown[] {
    return this.calls.filter((call) => `${call.method} ${call.path}` === operation).map((call) => call.body);
  }

  #host(): Host {
    return {
      kind: "desktop",
      capabilities: { canRestart: false, hasPrivateClipboard: true, hasTray: true },
      request: (method, path, body) => this.#request({ method, path: path.replace(/\?.*/, ""), body }),
      stream: (method, path, body, onChunk, options) => {
        this.calls.push({ method, path, body });
        const headers: Record<string, string> =
          this.requestId === null ? {} : { "x-request-id": this.requestId };
        const head = { status: this.streamStatus, headers };
        options?.onHead?.(head);
        for (const chunk of this.chunks) onChunk(new TextEncoder().encode(chunk));
        return Promise.resolve(head);
      },
      download: () => Promise.reject(new HostError("not in tests")),
      openExternal: async (url) => void this.opened.push(url),
      copy: async (text) => void this.copied.push({ text, isPrivate: false }),
      copyPrivate: async (text) => void this.copied.push({ text, isPrivate: true }),
    };
  }

  async #request(call: Call): Promise<HostResponse> {
    this.calls.push(call);
    const answer = this.answers[`${call.method} ${call.path}`];
    if (answer === undefined) throw new HostError(`no answer for ${call.method} ${call.path}`);
    const reply: Reply = typeof answer === "function" ? await answer(call) : { json: answer };
    return { status: reply.status ?? 200, headers: {}, json: reply.json, text: JSON.stringify(reply.json) };
  }
}
