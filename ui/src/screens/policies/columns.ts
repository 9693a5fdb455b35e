import type { Policy } from "$lib/api";
import { count, moment, percent } from "$lib/format";
import { m } from "$lib/i18n";
import type { Column } from "$lib/ui/table";

/** What is tried beside the live version, in short. */
export function trialText({ trial }: Pick<Policy, "trial">): string {
  if (trial === null) return "";
  const version = m.policy_version({ number: trial.version.number });
  const how =
    trial.percent === null
      ? m.policy_version_trial_shadow()
      : m.policy_version_trial_canary({ percent: percent(trial.percent / 100) });
  return `${version}, ${how}`;
}

/** The columns of the list, most needed first to stay where the window is narrow. */
export function policyColumns(): readonly Column<Policy>[] {
  // biome-ignore format: one line per column
  return [
    { id: "name", title: m.policies_column_name(), width: 130, text: ({ name }) => name },
    { id: "what", title: m.policies_column_what(), width: 180, grows: true, priority: 3, text: ({ description }) => description },
    { id: "rules", title: m.policies_column_rules(), width: 64, isNumeric: true, priority: 4, text: ({ live }) => count(live.body.rules.length) },
    { id: "version", title: m.policies_column_version(), width: 80, isNumeric: true, priority: 5, text: ({ live }) => count(live.number) },
    { id: "trial", title: m.policies_column_trial(), width: 190, priority: 2, text: trialText },
    { id: "takes", title: m.policies_column_takes(), width: 150, priority: 6, text: ({ live }) => (live.body.takes_over ?? []).join(", ") },
    { id: "changed", title: m.policies_column_changed(), width: 120, isTabular: true, priority: 1, text: ({ live }) => moment(live.made_at) },
  ];
}
