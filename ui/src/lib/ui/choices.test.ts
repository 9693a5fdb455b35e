import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import CheckList from "./CheckList.svelte";
import Combobox from "./Combobox.svelte";

const options = ["gpt-5", "gpt-5-mini", "qwen3:8b"].map((value) => ({ value, label: value }));

it("combobox: narrows as one types and chooses by Enter", async () => {
  const onchange = vi.fn();
  render(Combobox, { value: "gpt-5", options, label: "Model", onchange });
  const user = userEvent.setup();
  const field = screen.getByRole("combobox", { name: "Model" });
  await user.click(field);
  expect(field.getAttribute("aria-expanded")).toBe("true");
  await user.keyboard("mini");
  expect(screen.getAllByRole("option").map((option) => option.textContent?.trim())).toEqual(["gpt-5-mini"]);
  await user.keyboard("{Enter}");
  expect(onchange).toHaveBeenCalledExactlyOnceWith("gpt-5-mini");
  expect(field.getAttribute("aria-expanded")).toBe("false");
});

it("combobox: arrows move the active option round, Escape closes only the list", async () => {
  const outside = vi.fn();
  document.addEventListener("keydown", outside);
  render(Combobox, { value: "qwen3:8b", options, label: "Model" });
  const user = userEvent.setup();
  const field = screen.getByRole("combobox");
  field.focus();
  await user.keyboard("{ArrowDown}{ArrowDown}");
  const active = document.getElementById(field.getAttribute("aria-activedescendant") ?? "");
  expect(active?.textContent?.trim()).toBe("gpt-5");
  outside.mockClear();
  await user.keyboard("{Escape}");
  expect(outside).not.toHaveBeenCalled();
  expect(screen.queryByRole("listbox")).toBeNull();
  document.removeEventListener("keydown", outside);
});

it("combobox: says that nothing matches and then chooses nothing", async () => {
  const onchange = vi.fn();
  render(Combobox, { value: "gpt-5", options, label: "Model", onchange });
  const user = userEvent.setup();
  await user.click(screen.getByRole("combobox"));
  await user.keyboard("zzz");
  expect(screen.getByRole("listbox").textContent).toContain("Nothing matches");
  await user.keyboard("{Enter}");
  expect(onchange).not.toHaveBeenCalled();
});

it("check list: selects everything that matches the filter, beyond the rows it draws", async () => {
  const many = Array.from({ length: 500 }, (_, index) => `model-${index}`);
  render(CheckList, { label: "Models", options: many, selected: [], maxShown: 20 });
  const user = userEvent.setup();
  const list = screen.getByRole("group", { name: "Models" });
  expect(within(list).getByRole("list").querySelectorAll("input")).toHaveLength(20);
  await user.type(within(list).getByRole("searchbox"), "model-4");
  await user.click(within(list).getByRole("checkbox", { name: /Select all 111 that match/ }));
  expect(within(list).getByRole("status").textContent).toBe("111 selected");
  await user.clear(within(list).getByRole("searchbox"));
  const all = within(list).getByRole<HTMLInputElement>("checkbox", { name: /Select all/ });
  expect([all.checked, all.indeterminate]).toEqual([false, true]);
});

it("check list: arrows move between the boxes", async () => {
  render(CheckList, { label: "Models", options: ["a", "b"], selected: [] });
  const user = userEvent.setup();
  screen.getByRole("checkbox", { name: "a" }).focus();
  await user.keyboard("{ArrowDown} ");
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: "b" }).checked).toBe(true);
});
