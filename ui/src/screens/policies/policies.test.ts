import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { refreshAll } from "$lib/api";
import { setFormatLocale } from "$lib/format";
import { govern } from "$lib/gallery/govern";
import { routing } from "$lib/gallery/routing";
import { router } from "$lib/router.svelte";
import { toasts } from "$lib/ui/toasts.svelte";
import { type Call, FakeHost } from "../../../tests/fake-host";
import PoliciesScreen from "./PoliciesScreen.svelte";

const [policy] = routing.policies;
if (policy === undefined) throw new Error("the gallery has no policy");
const answers = {
  "GET /policies": routing.policies,
  "GET /strategies": routing.strategies,
  "GET /units": govern.tree,
  "GET /keys": [],
  "GET /models": [],
  "GET /providers": [],
  "POST /route/explain": ({ body }: Call) => ({ json: routing.explanationOf(body) }),
  "POST /policies/simulate": routing.simulationOf(),
  "POST /policies/diff": { lines: [{ kind: "moved", rule: 1, text: "Rule 2 stands first." }] },
  "POST /policies/write": { text: "rules: []\n", sentences: [], problems: [] },
  [`GET /policies/${policy.id}/versions`]: routing.versions,
  [`PUT /policies/${policy.id}`]: { ...policy, live: { ...policy.live, number: 5 } },
  [`POST /policies/${policy.id}/versions/3/activate`]: policy,
};

beforeEach(() => {
  setFormatLocale("en-US");
  refreshAll();
  toasts.dismiss();
  router.go("policies");
});

async function opened(): Promise<FakeHost> {
  const host = new FakeHost(answers);
  router.go("policies", { selected: policy?.id });
  render(PoliciesScreen);
  await screen.findByRole("article", { name: "Rule 1" });
  return host;
}

/** The bodies of the rules as the simulator was asked last. */
function lastAsked(host: FakeHost): {
  rules: { name: string; when: unknown[]; route: { strategy: string } }[];
} {
  return (host.bodies("POST /route/explain").at(-1) as { body: never }).body;
}

it("opens a policy from the list by its row", async () => {
  new FakeHost(answers);
  render(PoliciesScreen);
  await screen.findByRole("row", { name: /fast-and-cheap/ });
  const grid = screen.getByRole("grid");
  grid.focus();
  await userEvent.keyboard("{ArrowDown}{Enter}");
  expect(router.parameters.selected).toBe(routing.policies[1]?.id);
});

it("tells in sentences what each rule says", async () => {
  await opened();
  const rule = screen.getByRole("article", { name: "Rule 2" });
  expect(within(rule).getByRole("button", { name: /^Condition: it comes from Search/ })).toBeTruthy();
  expect(
    within(rule).getByRole("button", { name: /^Condition: it is about programming or maths/ }),
  ).toBeTruthy();
  expect(
    within(rule).getByRole("button", { name: /^Strategy: Best value \(Goal: Best quality\)/ }),
  ).toBeTruthy();
  expect(
    within(rule).getByRole("button", { name: /^Bounds: at most \$0.50 a request and only in eu/ }),
  ).toBeTruthy();
});

it("asks the simulator again when a word of a rule or the prompt changes", async () => {
  const host = await opened();
  await waitFor(() => expect(host.bodies("POST /route/explain").length).toBeGreaterThan(0));
  const user = userEvent.setup();
  const rule = screen.getByRole("article", { name: "Rule 3" });
  await user.click(within(rule).getByRole("button", { name: /^Condition: a budget is 90%/ }));
  const field = within(rule).getByRole("textbox", { name: "Percent" });
  await user.clear(field);
  await user.type(field, "75");
  await waitFor(() => expect(lastAsked(host).rules[2]?.when).toEqual([{ if: "budget_used", at_least: 75 }]));
  await user.type(screen.getByRole("textbox", { name: "Prompt" }), "Fix the race in this code");
  const simulator = screen.getByRole("region", { name: "Simulator" });
  await waitFor(() => expect(within(simulator).getAllByText("Hard programming").length).toBeGreaterThan(0));
  await waitFor(() =>
    expect(within(simulator).getByText("gpt-5", { selector: ".model strong" })).toBeTruthy(),
  );
});

it("moves a rule by Alt and an arrow, and writes the text anew", async () => {
  const host = await opened();
  const item = screen.getByRole("article", { name: "Rule 2" }).closest("li");
  item?.focus();
  await userEvent.keyboard("{Alt>}{ArrowUp}{/Alt}");
  await waitFor(() => expect(host.bodies("POST /policies/write")).toHaveLength(1));
  const { body } = host.bodies("POST /policies/write")[0] as { body: { rules: { name: string }[] } };
  expect(body.rules.map(({ name }) => name).slice(0, 2)).toEqual([
    "Hard programming",
    "Nothing leaves the house",
  ]);
  // Below the last rule there is no place.
  const last = screen.getByRole("article", { name: "Rule 4" }).closest("li");
  last?.focus();
  await userEvent.keyboard("{Alt>}{ArrowDown}{/Alt}");
  expect(screen.getByRole("article", { name: "Rule 4" })).toBeTruthy();
});

it("draws the settings of a strategy from their description", async () => {
  const host = await opened();
  const user = userEvent.setup();
  const rule = screen.getByRole("article", { name: "Rule 2" });
  await user.click(within(rule).getByRole("button", { name: /^Strategy:/ }));
  const floor = within(rule).getByRole("textbox", { name: "Quality at least, thousandths" });
  await user.type(floor, "1200");
  expect(within(rule).getByRole("alert").textContent).toBe("0 – 1,000");
  await user.clear(floor);
  await user.type(floor, "700");
  await user.selectOptions(within(rule).getByRole("combobox", { name: "Goal" }), "fastest");
  await waitFor(() =>
    expect(lastAsked(host).rules[1]?.route).toMatchObject({
      settings: { goal: "fastest", quality_floor: 700 },
    }),
  );
  await user.selectOptions(within(rule).getByRole("combobox", { name: "Strategy" }), "lowest_cost");
  await waitFor(() =>
    expect(lastAsked(host).rules[1]?.route).toMatchObject({ strategy: "lowest_cost", settings: {} }),
  );
});

it("follows the text with the rules, keeps them while the text is wrong, and names its line", async () => {
  const wrong = { line: 2, column: 1, rule: null, message: "No such condition.", is_error: true };
  const host = new FakeHost({
    ...answers,
    "POST /policies/read": ({ body }: Call) => ({
      json: (body as { text: string }).text.includes("oops")
        ? { body: null, sentences: [], problems: [wrong] }
        : {
            body: { rules: [{ name: "Only one", route: { strategy: "lowest_cost" } }] },
            sentences: [],
            problems: [],
          },
    }),
  });
  router.go("policies", { selected: policy.id, tab: "text" });
  render(PoliciesScreen);
  const user = userEvent.setup();
  const editor = await screen.findByRole("textbox", { name: "The policy as YAML" });
  await user.type(editor, "oops");
  expect(await screen.findByRole("button", { name: "Line 2: No such condition." })).toBeTruthy();
  expect(screen.getByRole("button", { name: "Review and save…" })).toHaveProperty("disabled", true);
  await user.clear(editor);
  await user.type(editor, "rules");
  await waitFor(() => expect(lastAsked(host).rules).toHaveLength(1));
  expect(host.bodies("POST /policies/write")).toEqual([]);
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Review and save…" })).toHaveProperty("disabled", false),
  );
});

it("shows what changes before it saves, and puts the old version back on undo", async () => {
  const host = await opened();
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "Delete rule 3" }));
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Review and save…" })).toHaveProperty("disabled", false),
  );
  await user.click(screen.getByRole("button", { name: "Review and save…" }));
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findByText("Rule 2 stands first.")).toBeTruthy();
  expect(await within(dialog).findByText("-$5.10 to -$3.30")).toBeTruthy();
  await user.type(within(dialog).getByRole("textbox", { name: "Why, in a few words" }), "less is more");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(host.bodies(`PUT /policies/${policy.id}`)).toHaveLength(1));
  expect(host.bodies(`PUT /policies/${policy.id}`)[0]).toMatchObject({
    name: "auto",
    based_on: 3,
    note: "less is more",
  });
  toasts.current?.undo?.();
  await waitFor(() => expect(host.bodies(`POST /policies/${policy.id}/versions/3/activate`)).toHaveLength(1));
});

it("keeps a late answer of the simulator from replacing a newer one", async () => {
  let resolve = () => {};
  const late = new Promise<void>((done) => {
    resolve = done;
  });
  let asked = 0;
  const host = new FakeHost({
    ...answers,
    "POST /route/explain": async ({ body }: Call) => {
      asked += 1;
      if (asked === 1) await late;
      return { json: { ...routing.explanationOf(body), refusal: null, notes: [`answer ${asked}`] } };
    },
  });
  router.go("policies", { selected: policy.id });
  render(PoliciesScreen);
  await waitFor(() => expect(asked).toBe(1));
  await userEvent.type(screen.getByRole("textbox", { name: "Prompt" }), "x");
  expect(await screen.findByText("answer 2")).toBeTruthy();
  resolve();
  await vi.waitFor(() => expect(host.bodies("POST /route/explain").length).toBe(2));
  expect(screen.queryByText("answer 1")).toBeNull();
});
