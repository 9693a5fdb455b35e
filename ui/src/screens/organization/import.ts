/** What a list of people would do, for its preview. */
import type { ImportAction, ImportRow, UnitImportReport } from "$lib/api";
import { m } from "$lib/i18n";

/** The action of a line in a word, and how it is coloured. */
export function actionText(action: ImportAction): { text: string; tone: "ok" | "neutral" | "info" | "bad" } {
  const texts: Record<ImportAction, { text: string; tone: "ok" | "neutral" | "info" | "bad" }> = {
    create: { text: m.import_create(), tone: "ok" },
    change: { text: m.import_change(), tone: "info" },
    keep: { text: m.import_keep(), tone: "neutral" },
    error: { text: m.import_error(), tone: "bad" },
  };
  return texts[action];
}

/** What would happen, in a sentence. */
export function reportText(
  report: Pick<UnitImportReport, "errors" | "members" | "teams" | "departments" | "rows">,
): string {
  if (report.errors > 0) return m.import_has_errors({ count: report.errors });
  const changed = report.rows.filter(({ action }) => action === "change").length;
  const parts = [
    ...(report.members > 0 ? [m.import_members({ count: report.members })] : []),
    ...(report.teams > 0 ? [m.import_teams({ count: report.teams })] : []),
    ...(report.departments > 0 ? [m.import_departments({ count: report.departments })] : []),
    ...(changed > 0 ? [m.import_changed({ count: changed })] : []),
  ];
  return parts.length === 0 ? m.import_nothing() : m.import_does({ what: parts.join(", ") });
}

/** The lines in the order one wants to see them: what is wrong first. */
export function previewRows(rows: readonly ImportRow[]): ImportRow[] {
  const rank: Record<ImportAction, number> = { error: 0, create: 1, change: 2, keep: 3 };
  return [...rows].sort((left, right) => rank[left.action] - rank[right.action] || left.line - right.line);
}

/** Whether a file can be a list of people by its name and kind. */
export function isCsv(file: Pick<File, "name" | "type">): boolean {
  return /\.(csv|tsv|txt)$/i.test(file.name) || file.type.startsWith("text/");
}
