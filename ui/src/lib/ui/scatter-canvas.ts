/** The marks of a large scatter on a canvas; axes, cursor and labels stay in the document above it. */
import { canvasPixelRatio } from "../platform";
import { type Placed, shapePath } from "./scatter";

/** Draws the marks in the colours of the present theme. */
export function drawMarks(
  canvas: HTMLCanvasElement,
  placed: readonly Placed[],
  width: number,
  height: number,
): void {
  const ratio = canvasPixelRatio();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(ratio, ratio);
  context.globalAlpha = 0.6;
  const tokens = getComputedStyle(document.documentElement);
  const paths = new Map<string, Path2D>();
  for (const { mark, left, top, radius } of placed) {
    const size = Math.round(radius * 2) / 2;
    const key = `${mark.shape} ${size}`;
    const path = paths.get(key) ?? new Path2D(shapePath(mark.shape, size));
    paths.set(key, path);
    context.save();
    context.translate(left, top);
    context.fillStyle = tokens.getPropertyValue(`--chart-${mark.tone}`).trim();
    context.fill(path);
    context.restore();
  }
}
