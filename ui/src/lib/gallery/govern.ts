/** The invented organisation of the gallery: its tree, its budgets and what the ledger says. */
import type {
  Budget,
  BudgetBrief,
  BudgetLevel,
  BudgetSubject,
  Cost,
  Course,
  LedgerStatus,
  OrganizationTree,
  Simulation,
  Unit,
  UnitImportReport,
  UnitKind,
  UnitRef,
  UsageTable,
} from "../api";

import { ownZone } from "../format";

const now = Date.now();
const dayLength = 86_400_000;
const dollars = 1_000_000_000;
const at = (time: number) => new Date(time).toISOString();
const ago = (days: number) => at(now - days * dayLength);
const text = (amount: number) => String(Math.max(0, Math.round(amount)));
const cost = (amount: number): Cost => ({
  state: amount > 0 ? "exact" : "not_billable",
  amount: text(amount),
});
const id = (kind: number, index: number) =>
  `0193${kind.toString(16).padStart(4, "0")}-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;

const today = new Date(now);
const monthStart = new Date(today.getFullYear(), today.getMonth(), 1).getTime();
const monthEnd = new Date(today.getFullYear(), today.getMonth() + 1, 1).getTime();
const done = (now - monthStart) / (monthEnd - monthStart);

export const organizationId = id(8, 0);
const unitId = (index: number) => id(9, index);

const people = [
  "Ada Okafor", "Ben Castellanos", "Chiara Lindqvist", "Daichi Moreau", "Elif Brandt", "Farid Novak",
  "Greta Silva", "Hugo Adeyemi", "Ines Kowalczyk", "Jonas Petrov", "Karin Haddad", "Liam Fischer",
  "Mina Duarte", "Noor Jansen", "Oskar Weiss", "Priya Raman", "Quentin Roy", "Rosa Marchetti",
  "Samir Holm", "Tilda Berg", "Umar Sato", "Vera Klein", "Wen Li", "Yusuf Demir",
]; // biome-ignore format: a list of names

interface Place {
  name: string;
  kind: UnitKind;
  spend: number;
  inside?: readonly Place[];
}

let nextPerson = 0;
/** Spend in dollars of the month; of what holds others, the sum of theirs. */
function staff(count: number, spend: number): Place[] {
  return Array.from({ length: count }, (_, index): Place => {
    const name = people[nextPerson++ % people.length] ?? "";
    return {
      name,
      kind: "member",
      spend: index === count - 1 && count > 3 ? 0 : (spend / count) * (1.6 - index / count),
    };
  });
}

const places: readonly Place[] = [
  {
    name: "Product",
    kind: "department",
    spend: 0,
    inside: [
      {
        name: "Search",
        kind: "team",
        spend: 0,
        inside: [...staff(5, 6_900), { name: "Indexer", kind: "app", spend: 4_350 }],
      },
      {
        name: "Payments",
        kind: "team",
        spend: 0,
        inside: [...staff(4, 2_100), { name: "Dispute triage", kind: "app", spend: 890 }],
      },
      { name: "Mobile", kind: "team", spend: 0, inside: staff(3, 640) },
    ],
  },
  {
    name: "Operations",
    kind: "department",
    spend: 0,
    inside: [
      {
        name: "Support",
        kind: "team",
        spend: 0,
        inside: [...staff(5, 1_850), { name: "Answer drafts", kind: "app", spend: 2_420 }],
      },
      { name: "Finance", kind: "team", spend: 0, inside: staff(3, 180) },
    ],
  },
  {
    name: "Research",
    kind: "department",
    spend: 0,
    inside: [
      {
        name: "Evaluation",
        kind: "team",
        spend: 0,
        inside: [...staff(4, 3_300), { name: "Nightly report", kind: "app", spend: 310 }],
      },
    ],
  },
  { name: "Atlas launch", kind: "project", spend: 1_940 },
  { name: "Tax season", kind: "project", spend: 0 },
];

const units: Unit[] = [];
const refs = new Map<string, UnitRef[]>();

function add(place: Place, parent: string | null): number {
  const index = units.length + 1;
  const kind = place.kind;
  const unit: Unit = {
    id: unitId(index),
    kind,
    name: place.name,
    parent,
    email: kind === "member" ? `${place.name.toLowerCase().replace(/\W+/g, ".")}@example.com` : null,
    created_at: ago(200 - index),
    archived_at: null,
    keys: kind === "app" ? 2 : kind === "member" ? 1 : 0,
    last_used_at: null,
    requests: 0,
    cost: cost(0),
    budget: null,
  };
  units.push(unit);
  refs.set(unit.id, [
    { id: unit.id, kind, name: unit.name, is_archived: false },
    ...(parent === null ? [] : (refs.get(parent) ?? [])),
  ]);
  const spend = place.inside ? place.inside.reduce((sum, one) => sum + add(one, unit.id), 0) : place.spend;
  unit.cost = cost(spend * dollars);
  unit.requests = Math.round(spend * 7.3);
  unit.last_used_at =
    spend > 0 ? at(now - ((index * 977) % 2_880) * 60_000) : index % 2 === 0 ? ago(46) : null;
  return spend;
}

for (const place of places) add(place, null);
const named = (name: string) => units.find((unit) => unit.name === name) ?? units[0];
const archived: Unit = {
  ...(units[0] as Unit),
  id: unitId(400),
  kind: "team",
  name: "Print",
  parent: named("Product")?.id ?? null,
  archived_at: ago(40),
  requests: 0,
  keys: 0,
  cost: cost(0),
  last_used_at: ago(44),
  budget: null,
};
units.push(archived);
for (const unit of units) {
  const inside = units.filter(
    (one) => refs.get(one.id)?.some((ref) => ref.id === unit.id) && one.id !== unit.id,
  );
  unit.keys += inside.reduce((sum, one) => sum + (one.kind === "app" ? 2 : one.kind === "member" ? 1 : 0), 0);
}
const total = units
  .filter(({ parent, kind }) => parent === null && kind !== "project")
  .reduce((sum, unit) => sum + Number(unit.cost.amount), 0);

/** What a unit is in, itself first. */
export function refsOf(name: string): UnitRef[] {
  return refs.get(named(name)?.id ?? "") ?? [];
}

interface Wanted {
  index: number;
  scope: Budget["scope"];
  limit: number;
  /** Used of the limit. */
  used: number;
  /** What the window is going to use of the limit; null where it is too early. */
  ends: number | null;
  level: BudgetLevel;
  change?: Partial<Budget>;
  subject?: BudgetSubject;
  refused?: number;
}

function stateOf({ limit, used, ends, level, subject, refused = 0 }: Wanted, unit: number): Budget["state"] {
  const amount = limit * unit;
  const exhausts =
    ends !== null && ends > 1 && used < 1 ? now + (1 - used) / ((ends - used) / (monthEnd - now)) : null;
  return {
    subject: subject ?? null,
    window: { from: at(monthStart), to: at(monthEnd) },
    limit: text(amount),
    used: text(amount * used),
    held: text(used > 0 && used < 1 ? Math.min(amount * 0.004, amount * (1 - used)) : 0),
    left: text(amount * Math.max(0, used >= 1 ? 0 : 0.996 - used)),
    percent: Math.floor(used * 100),
    level,
    forecast:
      ends === null
        ? null
        : {
            at_end: text(amount * ends),
            low: text(amount * (used + (ends - used) * 0.82)),
            high: text(amount * (used + (ends - used) * 1.24)),
            exhausts_at: exhausts === null ? null : at(exhausts),
          },
    subjects: subject ? 24 : null,
    refused,
  };
}

function budget(wanted: Wanted): Budget {
  const measure = wanted.change?.measure ?? "cost";
  const unit = measure === "cost" ? dollars : 1;
  return {
    id: id(10, wanted.index),
    name: "",
    scope: wanted.scope,
    each: null,
    measure,
    limit: text(wanted.limit * unit),
    period: { kind: "month", starts_on: 1, seconds: null },
    zone: ownZone(),
    carries_over: false,
    is_strict: false,
    is_hard: true,
    ladder: [
      { at_percent: 70, basis: "actual", action: "notify" },
      { at_percent: 90, basis: "actual", action: "notify" },
      { at_percent: 110, basis: "actual", action: "stop" },
    ],
    raises: [],
    created_at: ago(80),
    archived_at: null,
    state: stateOf(wanted, unit),
    ...wanted.change,
  };
}

const unitScope = (name: string): Budget["scope"] => {
  const unit = named(name);
  return { kind: "unit", id: unit?.id ?? null, name, value: null, unit_kind: unit?.kind ?? null };
};
const scope = (
  kind: Budget["scope"]["kind"],
  of: string,
  name: string,
  value: string | null = null,
): Budget["scope"] => ({ kind, id: kind === "tag" ? null : of, name, value, unit_kind: null });
const soft: Budget["ladder"] = [{ at_percent: 80, basis: "forecast", action: "notify" }];

const budgets: Budget[] = [
  budget({
    index: 1,
    scope: scope("organization", organizationId, "Northwind"),
    limit: 40_000,
    used: total / dollars / 40_000,
    ends: total / dollars / 40_000 / done,
    level: "on_track",
  }),
  budget({
    index: 2,
    scope: unitScope("Search"),
    limit: 14_000,
    used: 0.803,
    ends: 1.095,
    level: "warned",
    change: {
      raises: [
        {
          id: id(11, 1),
          amount: text(1_500 * dollars),
          from: ago(2),
          until: at(now + 3 * dayLength),
          reason: "Launch week of the new index",
          is_in_force: true,
        },
      ],
    },
  }),
  budget({
    index: 3,
    scope: unitScope("Evaluation"),
    limit: 3_600,
    used: 1,
    ends: null,
    level: "exhausted",
    refused: 214,
  }),
  budget({ index: 4, scope: unitScope("Support"), limit: 6_000, used: 0.71, ends: 0.97, level: "warned" }),
  budget({
    index: 5,
    scope: unitScope("Payments"),
    limit: 5_000,
    used: 0.6,
    ends: 1.14,
    level: "ahead",
    change: { is_strict: true },
  }),
  budget({
    index: 6,
    scope: scope("organization", organizationId, "Northwind"),
    limit: 250,
    used: 0.86,
    ends: null,
    level: "warned",
    subject: { kind: "unit", id: named("Ada Okafor")?.id ?? "", name: "Ada Okafor" },
    change: { name: "For each person", each: "member" },
  }),
  budget({
    index: 7,
    scope: unitScope("Atlas launch"),
    limit: 9_000,
    used: 0.215,
    ends: 0.31,
    level: "on_track",
    change: { is_hard: false, ladder: soft },
  }),
  budget({
    index: 8,
    scope: scope("key", id(5, 2), "Nightly report"),
    limit: 5_000_000,
    used: 0.42,
    ends: 0.6,
    level: "on_track",
    change: { measure: "tokens", period: { kind: "day", starts_on: null, seconds: null } },
  }),
  budget({
    index: 9,
    scope: scope("tag", "", "ticket", "OPS-12"),
    limit: 120,
    used: 0.08,
    ends: null,
    level: "on_track",
    change: { is_hard: false, ladder: soft },
  }),
  budget({
    index: 10,
    scope: unitScope("Indexer"),
    limit: 8,
    used: 0.375,
    ends: null,
    level: "on_track",
    change: { measure: "concurrent", period: { kind: "total", starts_on: null, seconds: null } },
  }),
  budget({
    index: 11,
    scope: scope("model", id(2, 2), "gpt-5"),
    limit: 9_500,
    used: 0.53,
    ends: 0.73,
    level: "on_track",
    change: { carries_over: true },
  }),
  {
    ...budget({ index: 12, scope: unitScope("Mobile"), limit: 900, used: 0.3, ends: 0.4, level: "on_track" }),
    archived_at: ago(12),
    state: null,
  },
];
const eachAccount = budgets.find(({ name }) => name !== "");
if (eachAccount?.state) eachAccount.state.subjects = 24;
const concurrent = budgets.find(({ measure }) => measure === "concurrent");
if (concurrent?.state)
  concurrent.state = { ...concurrent.state, window: null, used: "0", held: "3", left: "5" };
const explained = budgets.find(({ scope: one }) => one.name === "Evaluation");

function briefOf(found: Budget): BudgetBrief | null {
  const { id: budgetId, name, measure, period, is_hard, state } = found;
  return state === null
    ? null
    : { id: budgetId, name: name || found.scope.name, measure, period, is_hard, state };
}
for (const unit of units) {
  const own = budgets.find((one) => one.scope.kind === "unit" && one.scope.id === unit.id);
  unit.budget = own ? briefOf(own) : null;
}

const whole = budgets[0];
const tree: OrganizationTree = {
  organization: {
    id: organizationId,
    name: "Northwind",
    keys: 2,
    requests: Math.round((total / dollars) * 7.4),
    cost: cost(total + 41 * dollars),
    budget: whole ? briefOf(whole) : null,
  },
  units,
};

/** A tree with this many members more, to see that it stays smooth. */
export function crowded(members: number): OrganizationTree {
  const teams = units.filter(({ kind, archived_at }) => kind === "team" && archived_at === null);
  const more = Array.from({ length: members }, (_, index): Unit => {
    const name = `${people[index % people.length]} ${index + 1}`;
    return {
      ...(named("Ada Okafor") as Unit),
      id: unitId(1_000 + index),
      name,
      parent: teams[index % teams.length]?.id ?? null,
      budget: null,
      email: null,
    };
  });
  return { ...tree, units: [...units, ...more] };
}

/** The use of a budget in its window so far and where it is going. */
export function courseOf(found: Budget): Course | undefined {
  const { state } = found;
  if (state?.window == null || state.window.to === null) return undefined;
  const [from, to] = [Date.parse(state.window.from), Date.parse(state.window.to)];
  const [limit, used] = [Number(state.limit), Number(state.used)];
  const steps = 60;
  // Working days are steeper than the days between.
  const weight = (time: number) =>
    ([0, 6].includes(new Date(time).getDay()) ? 0.25 : 1) * (0.85 + 0.3 * Math.sin(time / 9e7));
  const along = (start: number, end: number, count: number) =>
    Array.from({ length: count + 1 }, (_, index) => start + ((end - start) * index) / count);
  const summed = (times: readonly number[]) => {
    let sum = 0;
    return times.map((time, index) => (sum += index === 0 ? 0 : weight(time)));
  };
  const rising = (times: readonly number[], last: number) => {
    const sums = summed(times);
    const most = sums.at(-1) || 1;
    return times.map((time, index) => ({ at: at(time), used: text(((sums[index] ?? 0) / most) * last) }));
  };
  const end = Number(state.forecast?.at_end ?? 0);
  const ahead = state.forecast === null ? [] : along(now, to, 30);
  const sums = summed(ahead);
  return {
    window: state.window,
    limit: state.limit,
    points: rising(along(from, now, steps), used),
    previous: rising(along(from, to, steps), limit * 0.88),
    ideal: [
      { at: at(from), used: "0" },
      { at: at(to), used: state.limit },
    ],
    forecast: ahead.map((time, index) => {
      const share = (sums[index] ?? 0) / (sums.at(-1) || 1);
      const middle = used + (end - used) * share;
      const spread = (end - used) * 0.24 * Math.sqrt(share);
      return {
        at: at(time),
        median: text(middle),
        low_50: text(middle - spread * 0.42),
        high_50: text(middle + spread * 0.42),
        low_90: text(middle - spread),
        high_90: text(middle + spread * 1.1),
      };
    }),
    exhausts_at: state.forecast?.exhausts_at ?? null,
  };
}

/** The accounts of a budget that each member has. */
export function subjectsOf(found: Budget) {
  const limit = Number(found.state?.limit ?? 0);
  const accounts = units
    .filter(({ kind }) => kind === "member")
    .map((unit, index) => {
      const share = Math.max(0.02, 0.86 - index * 0.041);
      return {
        subject: { kind: "unit" as const, id: unit.id, name: unit.name },
        limit: text(limit),
        used: text(limit * share),
        held: "0",
        left: text(limit * (1 - share)),
        percent: Math.floor(share * 100),
      };
    });
  return { total: accounts.length, accounts };
}

/** What the time machine finds: nothing is refused where the limit is generous. */
export function simulationOf(body: unknown): Simulation {
  const { budget: draft, days: back } = body as { budget: { limit: string; measure: string }; days: number };
  const daily = 470 * dollars;
  const limit = Number(draft.limit) / (draft.measure === "cost" ? 1 : 1e6 / dollars);
  const exhaustedAfter = (limit * 1.1) / daily;
  const days = Array.from({ length: back }, (_, index) => {
    const time = now - (back - index) * dayLength;
    const isWeekend = [0, 6].includes(new Date(time).getDay());
    const requests = isWeekend ? 340 : 2_100 + ((index * 613) % 700);
    const isOver = index > exhaustedAfter;
    return {
      day: at(time),
      used: text(isOver ? daily * 0.05 : isWeekend ? daily * 0.2 : daily),
      requests,
      refused: isOver ? Math.round(requests * 0.93) : 0,
    };
  });
  const refused = days.reduce((sum, one) => sum + one.refused, 0);
  const requests = days.reduce((sum, one) => sum + one.requests, 0);
  const first = days.find((one) => one.refused > 0);
  const members = units.filter(
    ({ kind, parent }) => (kind === "member" || kind === "app") && parent === named("Search")?.id,
  );
  return {
    from: at(now - back * dayLength),
    to: at(now),
    requests,
    cost: cost(requests * 0.14 * dollars),
    refused,
    refused_cost: cost(refused * 0.14 * dollars),
    first_refused_at: first ? at(Date.parse(first.day) + 51_000_000) : null,
    is_cut: false,
    windows: first
      ? [
          {
            window: { from: at(monthStart), to: at(monthEnd) },
            limit: text(limit),
            used: text(limit * 1.1),
            refused,
            exhausted_at: at(Date.parse(first.day) + 51_000_000),
          },
        ]
      : [],
    days,
    subjects:
      refused === 0
        ? []
        : members.slice(0, 5).map((unit, index) => ({
            subject: { kind: "unit", id: unit.id, name: unit.name },
            requests: Math.round(requests / (index + 3)),
            refused: Math.round(refused / (index + 3)),
            cost: cost((refused / (index + 3)) * 0.14 * dollars),
          })),
    samples: refused === 0 ? [] : [id(6, 99_990), id(6, 99_981)],
  };
}

/** Usage by model of a unit. */
export function usageOf(unit: string | null): UsageTable {
  const found = units.find((one) => one.id === unit);
  const whole = Number(found?.cost.amount ?? tree.organization.cost.amount);
  const cell = (share: number) => ({
    requests: Math.round((whole / dollars) * 7.3 * share),
    errors: 0,
    cost: cost(whole * share),
    cost_per_request: "137000000",
    input_tokens: 0,
    output_tokens: 0,
    cached_tokens: 0,
    reasoning_tokens: 0,
    p50_us: 840_000,
    p95_us: 4_100_000,
  });
  const rows =
    whole === 0
      ? []
      : ([
          ["gpt-5", 0.61],
          ["gpt-5-mini", 0.27],
          ["llama-3.3-70b-versatile", 0.12],
        ] as const);
  return {
    columns: [],
    rows: rows.map(([name, share]) => ({ key: name, name, cells: [], total: cell(share) })),
    total: cell(1),
    is_cut: false,
  };
}

const ledger: LedgerStatus = {
  id: id(12, 1),
  entries: 18_204,
  pending: 0,
  size_bytes: 48_300_000,
  open_holds: 3,
  oldest_hold_at: at(now - 4_000),
  stuck_holds: 0,
  backup_failure: null,
  last_check: { at: at(now - 3_600_000), failure: null },
  last_retention_at: null,
  limits_failure: null,
  last_backup: {
    at: at(now - 5 * 3_600_000),
    path: "/home/ada/.local/share/megarouter/backups/2026-11-22.zip",
    size_bytes: 11_900_000,
    entry: 18_100,
    is_encrypted: false,
  },
  verification: {
    state: "passed",
    started_at: at(now - 600_000),
    finished_at: at(now - 598_000),
    entries: 18_204,
    total: 18_204,
    requests: 6_021,
    attempts: 6_188,
    corrections: 1,
    changes: 34,
    findings: 0,
    cost: text(total),
    faults: [],
    error: null,
  },
};

/** What reading in a list of people would do: its first line is wrong where it has no name. */
export function importOf(body: unknown): UnitImportReport {
  const { csv, is_preview } = body as { csv: string; is_preview: boolean };
  const rows = csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line, index) => {
      const [name = "", email = "", team = "", department = ""] = line.split(",").map((part) => part.trim());
      const action =
        name === ""
          ? ("error" as const)
          : units.some((unit) => unit.name === name)
            ? ("keep" as const)
            : ("create" as const);
      return {
        line: index + 2,
        name,
        email: email || null,
        team: team || null,
        department: department || null,
        action,
        detail: action === "error" ? "There is no name in this line. Write one, or remove the line." : null,
      };
    });
  const errors = rows.filter(({ action }) => action === "error").length;
  return {
    is_applied: !is_preview && errors === 0,
    errors,
    members: rows.filter(({ action }) => action === "create").length,
    teams: 1,
    departments: 0,
    rows,
  };
}

/** Why the gallery's refused request was refused. */
export const refusal = {
  budget: { id: explained?.id ?? "", name: "Evaluation" },
  figures: {
    budget_id: explained?.id ?? "",
    subject: null,
    measure: "cost" as const,
    limit: explained?.state?.limit ?? "0",
    used: text(3_598 * dollars),
    held: text(1.4 * dollars),
    asked: text(1.9 * dollars),
    resets_at: at(monthEnd),
  },
};

/** The other budgets of a request. */
export const otherBudgets = budgets.slice(0, 1).flatMap((one) => briefOf(one) ?? []);

export const govern = { tree, budgets, ledger };
