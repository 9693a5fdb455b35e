import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { createRawSnippet } from "svelte";
import { expect, it, vi } from "vitest";
import ConfirmDialog from "./ConfirmDialog.svelte";
import Dialog from "./Dialog.svelte";

const content = (html: string) => createRawSnippet(() => ({ render: () => html }));

function opener(): HTMLButtonElement {
  const button = document.createElement("button");
  document.body.append(button);
  button.focus();
  return button;
}

it("takes the focus to its first control and gives it back when it closes", () => {
  const before = opener();
  const { unmount } = render(Dialog, {
    title: "Add",
    onclose: () => {},
    children: content('<label>Name <input name="name" /></label>'),
  });
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  unmount();
  expect(document.activeElement).toBe(before);
});

it("is a modal dialog with its title as its name, and closes on Escape", async () => {
  const onclose = vi.fn();
  render(Dialog, { title: "Add a provider", onclose, children: content("<input />") });
  const dialog = screen.getByRole("dialog", { name: "Add a provider" });
  expect(dialog.hasAttribute("open")).toBe(true);
  await userEvent.keyboard("{Escape}");
  expect(onclose).toHaveBeenCalledOnce();
});

it("keeps the shortcuts of the screen below asleep", async () => {
  const below = vi.fn();
  window.addEventListener("keydown", below);
  render(Dialog, { title: "Add", onclose: () => {}, children: content("<button>x</button>") });
  await userEvent.keyboard("e");
  expect(below).not.toHaveBeenCalled();
  window.removeEventListener("keydown", below);
});

it("begins a confirmation at the button that changes nothing", () => {
  render(ConfirmDialog, {
    title: "Sure?",
    action: "Delete",
    onconfirm: () => {},
    onclose: () => {},
    children: content("<p>x</p>"),
  });
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Cancel" }));
});

it("shows why a confirmed action failed and stays open", async () => {
  const onclose = vi.fn();
  render(ConfirmDialog, {
    title: "Sure?",
    action: "Delete",
    onconfirm: () => Promise.reject(new Error("It is in use.")),
    onclose,
    children: content("<p>x</p>"),
  });
  await userEvent.click(screen.getByRole("button", { name: "Delete" }));
  expect((await screen.findByRole("alert")).textContent).toBe("It is in use.");
  expect(onclose).not.toHaveBeenCalled();
});
