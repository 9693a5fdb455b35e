import type { forms as english } from "../en/forms";
import type { Translation } from "../types";

export const forms: Translation<typeof english> = {
  form_show_secret: "Eingabe anzeigen",
  form_copy_code: "Code kopieren",
  form_copy_failed: "Kopieren fehlgeschlagen",
  form_wrap_lines: "Lange Zeilen umbrechen",
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
  link_title: "MegaRouter verlassen?",
  link_words: "Diesen Link hat ein Modell geschrieben. Er führt zu {host}.",
  link_not_secure:
    "Von hier lassen sich nur Adressen öffnen, die mit https: beginnen. Kopieren Sie sie, wenn Sie ihr vertrauen.",
  link_open: "{host} öffnen",
  link_copy: "Adresse kopieren",
  link_refused: "Der Browser wurde nicht geöffnet. Kopieren Sie stattdessen die Adresse.",
};
