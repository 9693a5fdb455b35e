/** Charts over time on canvas. Loaded lazily, because uPlot is larger than the whole frame. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { canvasPixelRatio } from "../platform";
import type { ChartSeries } from "./chart-types";

export interface DrawOptions {
  target: HTMLElement;
  /** Seconds since 1970. */
  times: readonly number[];
  series: readonly ChartSeries[];
  kind: "area" | "line" | "bars";
  height: number;
  formatTime: (seconds: number) => string;
  formatTick: (value: number) => string;
  /** Charts of the same group show one time line and one cursor. */
  group: string | undefined;
  /** The point under the cursor; null where there is none. */
  onpoint: (index: number | null) => void;
}

export interface Drawing {
  setData: (times: readonly number[], series: readonly ChartSeries[]) => void;
  /** Draws again in the colours of the present theme. */
  recolour: () => void;
  /** Moves the cursor to a point. */
  point: (index: number) => void;
  destroy: () => void;
}

const axisFont = 11;
/** Equal on all charts, so that strips one above the other share their time line. */
const axisWidth = 64;

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function withAlpha(colour: string, alpha: string): string {
  return `${colour}${alpha}`;
}

function aligned(times: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  return [Array.from(times), ...series.map((one) => Array.from(one.values))];
}

/** A point without neighbours is no line: it is drawn as a dot. */
function lonelyPoints(plot: uPlot, index: number): number[] {
  const values = plot.data[index] ?? [];
  const isThere = (at: number) => values[at] !== null && values[at] !== undefined;
  return Array.from(values.keys()).filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

function seriesOptions(one: ChartSeries, kind: DrawOptions["kind"]): uPlot.Series {
  const bars = uPlot.paths.bars?.({ size: [0.72, 28], radius: 0 });
  return {
    label: one.label,
    stroke: () => token(`--chart-${one.tone}`),
    width: kind === "bars" ? 0 : 1.75,
    fill:
      kind === "line"
        ? undefined
        : () => withAlpha(token(`--chart-${one.tone}`), kind === "bars" ? "d9" : "26"),
    ...(one.isDashed ? { dash: [5, 4] } : {}),
    ...(kind === "bars" && bars ? { paths: bars } : {}),
    points: { show: kind !== "bars", size: 5, filter: lonelyPoints },
    spanGaps: false,
  } as uPlot.Series;
}

/** Half a step on either side, so that the first and the last bar are whole and strips stay in line. */
function padded(times: ArrayLike<number>, first: number, last: number): [number, number] {
  const half = ((times[1] ?? first + 300) - (times[0] ?? first)) / 2;
  return [first - half, last + half];
}

function options(draw: DrawOptions, width: number): uPlot.Options {
  const font = `${axisFont}px ${token("--font")}`;
  const axis = {
    font,
    stroke: () => token("--fg-2"),
    grid: { stroke: () => token("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: draw.height,
    padding: [10, 26, 0, 0],
    legend: { show: false },
    pxAlign: 1,
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 7 },
      ...(draw.group ? { sync: { key: draw.group, scales: ["x", null] } } : {}),
    },
    scales: {
      x: { time: true, range: (plot, first, last) => padded(plot.data[0], first, last) },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 72,
        size: 26,
        values: (_, ticks) => ticks.map(draw.formatTime),
      },
      { ...axis, space: 26, size: axisWidth, values: (_, ticks) => ticks.map(draw.formatTick) },
    ],
    series: [{}, ...draw.series.map((one) => seriesOptions(one, draw.kind))],
    hooks: { setCursor: [(plot) => draw.onpoint(plot.cursor.idx ?? null)] },
  } as uPlot.Options;
}

/** Draws a chart that follows the width of its target. */
export function drawChart(draw: DrawOptions): Drawing {
  // uPlot reads the ratio once from the window; beyond 2 it only costs.
  (uPlot as unknown as { pxRatio: number }).pxRatio = canvasPixelRatio();
  const plot = new uPlot(
    options(draw, draw.target.clientWidth || 400),
    aligned(draw.times, draw.series),
    draw.target,
  );
  const observer = new ResizeObserver(() => {
    const width = draw.target.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: draw.height });
  });
  observer.observe(draw.target);
  return {
    setData: (times, series) => plot.setData(aligned(times, series)),
    recolour: () => plot.redraw(false, true),
    point: (index) => {
      const time = plot.data[0][index];
      if (time !== undefined) plot.setCursor({ left: plot.valToPos(time, "x"), top: 1 });
    },
    destroy: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}
