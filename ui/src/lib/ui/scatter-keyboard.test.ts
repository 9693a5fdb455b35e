import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { announcements } from "./announce.svelte";
import Scatter from "./Scatter.svelte";
import type { Mark } from "./scatter";

const mark = (id: string, x: number, y: number): Mark => ({ id, label: id, x, y, tone: 1, shape: "circle" });
const marks = [mark("free", 0, 4), mark("cheap", 1, 2), mark("dear", 10, 9), mark("beaten", 11, 3)];

function scatter() {
  const onopen = vi.fn();
  const ontable = vi.fn();
  render(Scatter, {
    title: "Which is best?",
    summary: "Four marks.",
    marks,
    x: { title: "Price", isLog: true, format: String },
    y: { title: "Context", isLog: false, format: String },
    zeroLabel: "Free",
    onopen,
    onbrush: vi.fn(),
    ontable,
  });
  return { onopen, ontable, plot: screen.getByRole("application", { name: "Which is best?" }) };
}

it("reads out each mark under the cursor, and says which nothing beats", async () => {
  const { plot, onopen } = scatter();
  plot.focus();
  const user = userEvent.setup();
  await user.keyboard("{ArrowUp}");
  expect(announcements.text).toBe("cheap: Price 1, Context 2, best of those with a price");
  await user.keyboard("{ArrowUp}");
  expect(announcements.text).toBe("beaten: Price 11, Context 3");
  await user.keyboard("{ArrowUp}");
  expect(announcements.text).toBe("free: Price Free, Context 4");
  await user.keyboard("{Enter}");
  expect(onopen).toHaveBeenCalledExactlyOnceWith("free");
});

it("leads to its table by key and by button", async () => {
  const { plot, ontable } = scatter();
  plot.focus();
  const user = userEvent.setup();
  await user.keyboard("t");
  await user.click(screen.getByRole("button", { name: "Show as a table" }));
  expect(ontable).toHaveBeenCalledTimes(2);
});
