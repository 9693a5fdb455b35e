import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import DataTable from "./DataTable.svelte";
import type { Column } from "./table";

interface Row {
  name: string;
}
const columns: Column<Row>[] = [{ id: "name", title: "Name", width: 100, text: (row) => row.name }];
const rows = Array.from({ length: 50 }, (_, index): Row => ({ name: `row ${index}` }));

function table(selected = 0) {
  const onselect = vi.fn();
  const onopen = vi.fn();
  render(DataTable<Row>, {
    label: "Rows",
    columns,
    total: rows.length,
    rowAt: (index: number) => rows[index],
    selected,
    onselect,
    onopen,
  });
  return { onselect, onopen, grid: screen.getByRole("grid", { name: "Rows" }) };
}

it("tells assistive technology its full length although few rows exist", () => {
  const { grid } = table();
  expect(grid.getAttribute("aria-rowcount")).toBe("51");
  expect(screen.getAllByRole("row").length).toBeLessThan(20);
});

it("moves by arrows and letters, within the table", async () => {
  const { grid, onselect } = table(0);
  const user = userEvent.setup();
  grid.focus();
  await user.keyboard("{ArrowDown}j{ArrowUp}{End}");
  expect(onselect.mock.calls.map(([index]) => index)).toEqual([1, 1, 0, 49]);
});

it("opens the selected row with Enter and a clicked one at once", async () => {
  const { grid, onopen } = table(3);
  const user = userEvent.setup();
  grid.focus();
  await user.keyboard("{Enter}");
  await user.click(screen.getByText("row 1"));
  expect(onopen.mock.calls.map(([index]) => index)).toEqual([3, 1]);
});
