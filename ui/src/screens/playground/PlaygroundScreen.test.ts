import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { refreshAll } from "$lib/api";
import { router } from "$lib/router.svelte";
import { FakeHost } from "../../../tests/fake-host";
import PlaygroundScreen from "./PlaygroundScreen.svelte";
import { session } from "./session.svelte";

const deployment = {
  id: "d",
  provider_id: "p",
  provider: "openai",
  upstream_model: "gpt-5",
  price: null,
  is_free: false,
};
const models = [
  { id: "m1", name: "gpt-5", aliases: [], deployments: [deployment], created_at: "2026-11-01T00:00:00Z" },
];
const record = {
  id: "request-1",
  usage: { total_input: 12, total_output: 3 },
  usage_source: "reported",
  cost: { state: "exact", amount: "3100000" },
  first_output_us: 130_000,
  total_us: 1_200_000,
};
const word = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

beforeEach(() => {
  refreshAll();
  router.go("playground");
  session.conversation.clear();
  session.draft = "";
  session.temperature = "";
});

it("sends by Enter and shows the answer with its cost, tokens and times", async () => {
  const host = new FakeHost({ "GET /models": models, "GET /requests/request-1": record });
  host.chunks = [word("Hello **you**"), word("."), "data: [DONE]\n\n"];
  render(PlaygroundScreen);
  await userEvent.type(await screen.findByRole("textbox", { name: "Message" }), "hi{Enter}");
  const answer = await screen.findByRole("article", { name: "gpt-5" });
  await vi.waitFor(() => expect(answer.querySelector("strong")?.textContent).toBe("you"));
  const facts = await screen.findByTestId("answer-facts");
  await vi.waitFor(() => expect(facts.textContent).toContain("$0.0031"));
  for (const fact of ["12 in, 3 out", "first word after 130 ms", "1.2 s in all"])
    expect(facts.textContent).toContain(fact);
  expect(facts.querySelector("a")?.getAttribute("href")).toBe("#/requests/request-1");
});

it("says in words why there is no answer", async () => {
  const host = new FakeHost({ "GET /models": models, "GET /requests/request-1": record });
  host.streamStatus = 402;
  host.chunks = [
    JSON.stringify({ error: { message: "The budget is used up. Ask for more.", code: "budget.exceeded" } }),
  ];
  render(PlaygroundScreen);
  await userEvent.type(await screen.findByRole("textbox", { name: "Message" }), "hi{Enter}");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The budget is used up. Ask for more.");
  expect(alert.textContent).toContain("budget.exceeded");
});

it("opens a link of an answer only after naming its host", async () => {
  const host = new FakeHost({ "GET /models": models, "GET /requests/request-1": record });
  host.chunks = [word("[docs](https://docs.example/x)"), "data: [DONE]\n\n"];
  render(PlaygroundScreen);
  const user = userEvent.setup();
  await user.type(await screen.findByRole("textbox", { name: "Message" }), "hi{Enter}");
  await user.click(await screen.findByRole("link", { name: "docs" }));
  expect(host.opened).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Open docs.example" }));
  expect(host.opened).toEqual(["https://docs.example/x"]);
});

it("does not send while a parameter is wrong", async () => {
  const host = new FakeHost({ "GET /models": models });
  session.temperature = "3";
  render(PlaygroundScreen);
  await userEvent.type(await screen.findByRole("textbox", { name: "Message" }), "hi{Enter}");
  expect(host.bodies("POST /playground/chat")).toEqual([]);
  expect(screen.getByText("Write a number from 0 to 2, or nothing.")).toBeTruthy();
});

it("leads to the providers when there is no model", async () => {
  new FakeHost({ "GET /models": [] });
  render(PlaygroundScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Add provider" }));
  expect([router.screen, router.parameters.add]).toEqual(["providers", "1"]);
});
