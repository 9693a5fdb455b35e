/** The screens of the window: one line each, in the order of the sidebar. Only screens that exist. */
import Boxes from "@lucide/svelte/icons/boxes";
import Activity from "@lucide/svelte/icons/chart-no-axes-combined";
import FlaskConical from "@lucide/svelte/icons/flask-conical";
import KeyRound from "@lucide/svelte/icons/key-round";
import List from "@lucide/svelte/icons/list";
import MessageSquare from "@lucide/svelte/icons/message-square";
import Network from "@lucide/svelte/icons/network";
import Rocket from "@lucide/svelte/icons/rocket";
import Route from "@lucide/svelte/icons/route";
import Server from "@lucide/svelte/icons/server";
import Settings from "@lucide/svelte/icons/settings";
import Wallet from "@lucide/svelte/icons/wallet";
import type { Component } from "svelte";
import { m } from "./i18n";

export type Group = "see" | "govern" | "route" | "use" | "admin";

export interface Screen {
  /** The first segment of the address. */
  id: string;
  group: Group;
  /** Keys that open it: a chord or a shortcut. */
  shortcut: string;
  title: () => string;
  icon: Component<{ size?: number | string }>;
  load: () => Promise<{ default: Component }>;
}

// biome-ignore format: one line per screen
export const screens: readonly Screen[] = [
  { id: "overview", group: "see", shortcut: "G O", title: () => m.nav_overview(), icon: Activity, load: () => import("../screens/overview/OverviewScreen.svelte") },
  { id: "requests", group: "see", shortcut: "G R", title: () => m.nav_requests(), icon: List, load: () => import("../screens/requests/RequestsScreen.svelte") },
  { id: "organization", group: "govern", shortcut: "G T", title: () => m.nav_organization(), icon: Network, load: () => import("../screens/organization/OrganizationScreen.svelte") },
  { id: "budgets", group: "govern", shortcut: "G B", title: () => m.nav_budgets(), icon: Wallet, load: () => import("../screens/budgets/BudgetsScreen.svelte") },
  { id: "models", group: "route", shortcut: "G M", title: () => m.nav_models(), icon: Boxes, load: () => import("../screens/models/ModelsScreen.svelte") },
  { id: "policies", group: "route", shortcut: "G P", title: () => m.policies_title(), icon: Route, load: () => import("../screens/policies/PoliciesScreen.svelte") },
  { id: "providers", group: "route", shortcut: "G V", title: () => m.nav_providers(), icon: Server, load: () => import("../screens/providers/ProvidersScreen.svelte") },
  { id: "keys", group: "route", shortcut: "G K", title: () => m.nav_keys(), icon: KeyRound, load: () => import("../screens/keys/KeysScreen.svelte") },
  { id: "playground", group: "use", shortcut: "G Y", title: () => m.nav_playground(), icon: MessageSquare, load: () => import("../screens/playground/PlaygroundScreen.svelte") },
  { id: "replay", group: "use", shortcut: "G E", title: () => m.replay_title(), icon: FlaskConical, load: () => import("../screens/replay/ReplayScreen.svelte") },
  { id: "settings", group: "admin", shortcut: "Mod ,", title: () => m.nav_settings(), icon: Settings, load: () => import("../screens/settings/SettingsScreen.svelte") },
];

/** Shown once, before there is a provider; not in the sidebar. */
// biome-ignore format: one line per screen
export const firstRun: Screen =
  { id: "first-run", group: "admin", shortcut: "G 1", title: () => m.nav_first_run(), icon: Rocket, load: () => import("../screens/first-run/FirstRunScreen.svelte") };

/** The groups of the sidebar, in order. */
export const groups: readonly { id: Group; title: () => string }[] = [
  { id: "see", title: () => m.nav_group_see() },
  { id: "govern", title: () => m.nav_group_govern() },
  { id: "route", title: () => m.nav_group_route() },
  { id: "use", title: () => m.nav_group_use() },
  { id: "admin", title: () => m.nav_group_admin() },
];

/** The screen of an address; home is the first. */
export function screenOf(id: string): Screen | undefined {
  return id === "" ? screens[0] : [...screens, firstRun].find((screen) => screen.id === id);
}
