/** What a table shows and which part of it is on the screen. No DOM here. */

export interface Column<Row> {
  id: string;
  title: string;
  /** In pixels; the least width where the column grows. */
  width: number;
  /** Takes its share of the space left over. */
  grows?: boolean;
  /** Numbers stand at the right in tabular figures. */
  isNumeric?: boolean;
  /** Text at the left in tabular figures, such as a time. */
  isTabular?: boolean;
  /** 1 is left out last; columns without one always stay. */
  priority?: number;
  /** The head is a button that orders the rows. */
  isSortable?: boolean;
  /** What the column means, where the title does not say it all. */
  hint?: string;
  text: (row: Row) => string;
}

/** By which column rows are ordered. */
export interface Order {
  column: string;
  isDescending: boolean;
}

/** Rows marked for an action on several at once; the owner keeps which. */
export interface Marking {
  /** How many of the rows at hand are marked. */
  all: "none" | "some" | "all";
  isMarked: (index: number) => boolean;
  /** What a row is called, for its box. */
  nameAt: (index: number) => string;
  /** Marks or unmarks a row; a range from the row marked last. */
  toggle: (index: number, isRange: boolean) => void;
  /** Marks every row, or none where all are marked. */
  toggleAll: () => void;
}

/** Rows rendered beyond the edges, so that fast scrolling finds them there. */
const margin = 6;

/** The rows to render: from the first (inclusive) to the last (exclusive). */
export function visibleRange(
  scrollTop: number,
  height: number,
  rowHeight: number,
  total: number,
): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - margin);
  const last = Math.min(total, Math.ceil((scrollTop + height) / rowHeight) + margin);
  return { first: Math.min(first, last), last };
}

/** The columns that fit into the width, least important left out first, in their given order. */
export function fittingColumns<Row>(columns: readonly Column<Row>[], width: number): readonly Column<Row>[] {
  if (width <= 0) return columns;
  let needed = columns.reduce((sum, column) => sum + column.width, 0);
  const dropped = new Set<string>();
  const candidates = columns
    .filter((column) => column.priority !== undefined)
    .sort((left, right) => (right.priority ?? 0) - (left.priority ?? 0));
  for (const column of candidates) {
    if (needed <= width) break;
    dropped.add(column.id);
    needed -= column.width;
  }
  return columns.filter((column) => !dropped.has(column.id));
}

/** The CSS grid template of the columns. */
export function gridTemplate<Row>(columns: readonly Column<Row>[]): string {
  return columns
    .map((column) => (column.grows ? `minmax(${column.width}px, 1fr)` : `${column.width}px`))
    .join(" ");
}

/** The scroll position that brings a row into view with the least movement. */
export function scrollTopFor(index: number, rowHeight: number, scrollTop: number, height: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}
