import { m } from "$lib/i18n";

/** The sections, in order. */
export const sections = ["general", "appearance", "proxy", "routing", "data", "shortcuts", "about"] as const;
export type Section = (typeof sections)[number];

/** What a setting is called and what it does; the search looks through both. */
export interface SettingText {
  section: Section;
  title: string;
  hint?: string;
}

/** The heading of a section. */
export function sectionTitle(section: Section): string {
  const titles: Record<Section, () => string> = {
    general: m.settings_general,
    appearance: m.settings_appearance,
    proxy: m.settings_proxy,
    routing: m.settings_routing,
    data: m.settings_data,
    shortcuts: m.settings_shortcuts,
    about: m.settings_about,
  };
  return titles[section]();
}

/** Every setting with its words. */
export function settingTexts() {
  return {
    keep_running: {
      section: "general",
      title: m.settings_keep_running(),
      hint: m.settings_keep_running_hint(),
    },
    language: { section: "general", title: m.settings_language(), hint: m.settings_language_hint() },
    setup: { section: "general", title: m.settings_setup(), hint: m.settings_setup_hint() },
    theme: { section: "appearance", title: m.settings_theme(), hint: m.settings_theme_hint() },
    density: { section: "appearance", title: m.settings_density(), hint: m.settings_density_hint() },
    base_url: { section: "proxy", title: m.settings_base_url(), hint: m.settings_base_url_hint() },
    addresses: { section: "proxy", title: m.settings_addresses(), hint: m.settings_addresses_hint() },
    port: { section: "proxy", title: m.settings_port(), hint: m.settings_port_hint() },
    proxy_state: { section: "proxy", title: m.settings_proxy_state(), hint: m.settings_proxy_state_hint() },
    data_folder: { section: "data", title: m.settings_data_folder(), hint: m.settings_data_folder_hint() },
    ledger: { section: "data", title: m.settings_ledger(), hint: m.settings_ledger_hint() },
    ledger_size: { section: "data", title: m.settings_ledger_size(), hint: m.settings_ledger_size_hint() },
    unknown_price: {
      section: "data",
      title: m.settings_unknown_price(),
      hint: m.settings_unknown_price_hint(),
    },
    self_check: { section: "data", title: m.check_title(), hint: m.check_words() },
    bodies: { section: "data", title: m.settings_bodies(), hint: m.settings_bodies_hint() },
    bodies_days: { section: "data", title: m.settings_bodies_days(), hint: m.settings_bodies_days_hint() },
    bodies_size: { section: "data", title: m.settings_bodies_size(), hint: m.settings_bodies_size_hint() },
    bodies_redact: {
      section: "data",
      title: m.settings_bodies_redact(),
      hint: m.settings_bodies_redact_hint(),
    },
    bodies_patterns: { section: "data", title: m.settings_patterns(), hint: m.settings_patterns_hint() },
    probes: { section: "routing", title: m.settings_probes(), hint: m.settings_probes_hint() },
    savings_baseline: { section: "routing", title: m.settings_baseline(), hint: m.settings_baseline_hint() },
    router_report: { section: "routing", title: m.settings_router(), hint: m.settings_router_hint() },
    backup: { section: "data", title: m.settings_backup(), hint: m.settings_backup_hint() },
    nodes: { section: "data", title: m.settings_nodes(), hint: m.settings_nodes_hint() },
    catalogue: { section: "data", title: m.settings_catalogue(), hint: m.settings_catalogue_hint() },
    secrets: { section: "data", title: m.settings_secrets() },
    letter_keys: {
      section: "shortcuts",
      title: m.settings_letter_keys(),
      hint: m.settings_letter_keys_hint(),
    },
    keyboard_map: {
      section: "shortcuts",
      title: m.settings_keyboard_map(),
      hint: m.settings_keyboard_map_hint(),
    },
    version: { section: "about", title: m.settings_version() },
    mode: { section: "about", title: m.settings_mode() },
    platform: { section: "about", title: m.settings_platform() },
    licence: { section: "about", title: m.settings_licence(), hint: m.settings_licence_words() },
  } satisfies Record<string, SettingText>;
}

export type SettingId = keyof ReturnType<typeof settingTexts>;

/** The settings whose words contain every word of the query; all where it is empty. */
export function matchingSettings(query: string): Set<SettingId> {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (Object.entries(settingTexts()) as [SettingId, SettingText][]).filter(([, text]) => {
    const all = `${sectionTitle(text.section)} ${text.title} ${text.hint ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  return new Set(matches.map(([id]) => id));
}
