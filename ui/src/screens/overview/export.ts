/** Saves the spend-by-day report of the range on the screen. */
import { errorOf } from "$lib/api/client";
import { host, parseJson } from "$lib/host";
import { saveFile } from "$lib/platform";
import type { Range } from "$lib/range";

export const formats = ["svg", "png", "csv"] as const;
export type ReportFormat = (typeof formats)[number];

const types: Record<ReportFormat, string> = { svg: "image/svg+xml", png: "image/png", csv: "text/csv" };

function nameOf(disposition: string | undefined, otherwise: string): string {
  return /filename="([^"/\\]+)"/.exec(disposition ?? "")?.[1] ?? otherwise;
}

/** Returns the name of the saved file; rejects with what the API said. */
export async function exportSpend(format: ReportFormat, range: Range): Promise<string> {
  const query = new URLSearchParams({ from: range.from, ...(range.to ? { to: range.to } : {}) });
  const answer = await host().download(`/reports/spend_by_day.${format}?${query}`);
  if (answer.status !== 200) throw errorOf(answer.status, parseJson(new TextDecoder().decode(answer.bytes)));
  const name = nameOf(answer.headers["content-disposition"], `spend-by-day.${format}`);
  saveFile(name, types[format], answer.bytes as Uint8Array<ArrayBuffer>);
  return name;
}
