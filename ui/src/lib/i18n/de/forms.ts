import type { forms as english } from "../en/forms";
import type { Translation } from "../types";

export const forms: Translation<typeof english> = {
  form_show_secret: "Eingabe anzeigen",
  form_copy_code: "Code kopieren",
  form_copy_failed: "Kopieren fehlgeschlagen",
  form_wrap_lines: "Lange Zeilen umbrechen",
  form_word: "{word}: {text}. Ändern",
  form_filter: "Filtern",
  form_nothing_matches: "Nichts passt",
  form_select_all: { one: "Alle auswählen ({count})", other: "Alle auswählen ({count})" },
  form_select_all_matching: { one: "Den einen Treffer auswählen", other: "Alle {count} Treffer auswählen" },
  form_selected: { one: "{count} ausgewählt", other: "{count} ausgewählt" },
  form_more_rows: {
    one: "und {count} weiterer: tippen Sie, um die Liste einzugrenzen",
    other: "und {count} weitere: tippen Sie, um die Liste einzugrenzen",
  },
  form_image_not_loaded: "Bild, nicht geladen: {name}",
  facet_clear: "Leeren",
  facet_clear_of: "{name} leeren",
  facet_find: "In {name} suchen",
  facet_more: { one: "{count} weiterer", other: "{count} weitere" },
  facet_fewer: "Weniger zeigen",
  facet_from: "von",
  facet_to: "bis",
  facet_from_of: "{name}, mindestens",
  facet_to_of: "{name}, höchstens",
  table_mark_all: "Alle wählen",
  table_mark_row: "{name} wählen",
  scatter_on_frontier: "das Beste von denen mit Preis",
  scatter_keep: { one: "{count} behalten", other: "{count} behalten" },
  scatter_keys:
    "Pfeiltasten gehen von Zeichen zu Zeichen und lesen sie vor. Enter öffnet eines. T wechselt zur Tabelle. Ziehen behält einen Teil; die Felder der Filter tun dasselbe.",
  link_title: "MegaRouter verlassen?",
  link_words: "Diesen Link hat ein Modell geschrieben. Er führt zu {host}.",
  link_not_secure:
    "Von hier lassen sich nur Adressen öffnen, die mit https: beginnen. Kopieren Sie sie, wenn Sie ihr vertrauen.",
  link_open: "{host} öffnen",
  link_copy: "Adresse kopieren",
  link_refused: "Der Browser wurde nicht geöffnet. Kopieren Sie stattdessen die Adresse.",
};
