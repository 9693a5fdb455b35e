/** One line, area or row of bars of a chart. */
export interface ChartSeries {
  label: string;
  values: readonly (number | null)[];
  /** The chart colour, bound to the entity on every screen. */
  tone: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  isDashed?: boolean;
}
