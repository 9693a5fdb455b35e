import type { Key, KeyFlag, KeyState } from "$lib/api";
import { m } from "$lib/i18n";

/** The API's flags, and that nobody owns it although there is an organisation to own it. */
export type Flag = KeyFlag | "no_owner";
type Tone = "neutral" | "ok" | "warn" | "bad";

/** A key's state in a word, and how it is coloured. */
export function stateOf(key: Pick<Key, "state">): { text: string; tone: Tone } {
  const states: Record<KeyState, { text: string; tone: Tone }> = {
    active: { text: m.key_state_active(), tone: "ok" },
    expired: { text: m.key_state_expired(), tone: "neutral" },
    revoked: { text: m.key_state_revoked(), tone: "neutral" },
  };
  return states[key.state];
}

/** What somebody should look at, in short and in full. */
export function flagWords(flag: Flag): { text: string; hint: string } {
  const flags: Record<Flag, { text: string; hint: string }> = {
    unused_30_days: { text: m.key_flag_unused(), hint: m.key_flag_unused_hint() },
    no_expiry: { text: m.key_flag_no_expiry(), hint: m.key_flag_no_expiry_hint() },
    no_owner: { text: m.key_flag_no_owner(), hint: m.key_flag_no_owner_hint() },
    all_models: { text: m.key_flag_all_models(), hint: m.key_flag_all_models_hint() },
  };
  return flags[flag];
}

/** Which models a key may use, in short. */
export function modelsText(key: Pick<Key, "models">): string {
  if (key.models === null) return m.key_flag_all_models();
  return key.models.length === 1 ? (key.models[0] ?? "") : m.key_models_count({ count: key.models.length });
}

/** The flags that matter: what an ended key could do is nobody's concern. */
export function shownFlags(
  key: Pick<Key, "state" | "flags" | "is_builtin" | "owner">,
  hasUnits: boolean,
): readonly Flag[] {
  if (key.state !== "active" || key.is_builtin) return [];
  return hasUnits && key.owner.length === 0 ? ["no_owner", ...key.flags] : key.flags;
}
