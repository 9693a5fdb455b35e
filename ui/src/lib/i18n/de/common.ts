import type { common as english } from "../en/common";
import type { Translation } from "../types";

export const common: Translation<typeof english> = {
  common_cancel: "Abbrechen",
  common_close: "Schließen",
  common_copied: "Kopiert",
  common_copy: "Kopieren",
  common_delete: "Löschen",
  common_details: "Einzelheiten",
  common_edit: "Bearbeiten",
  common_loading: "Wird geladen",
  common_retry: "Noch einmal versuchen",
  common_save: "Speichern",
  common_search: "Suchen",
  common_undo: "Rückgängig",
  common_unknown: "Unbekannt",
  common_as_of: "Stand {time}",
  common_stale: "Dies konnte nicht aktualisiert werden. Gezeigt wird der Stand von {time}.",
  common_error_title: "Dieser Teil konnte nicht geladen werden",
  common_error_unreachable:
    "MegaRouter hat nicht geantwortet. Bis dahin lässt sich hier nichts aktualisieren. Prüfen Sie, ob es noch läuft, und versuchen Sie es erneut.",
  common_error_fault:
    "In diesem Fenster ist etwas fehlgeschlagen. Versuchen Sie es erneut; hilft das nicht, kopieren Sie die Einzelheiten und melden Sie sie.",
  common_rows: { one: "{count} Zeile", other: "{count} Zeilen" },
  common_requests: { one: "{count} Anfrage", other: "{count} Anfragen" },
  common_tokens: { one: "{count} Token", other: "{count} Token" },
  common_errors: { one: "{count} Fehler", other: "{count} Fehler" },
  cost_unknown: "Unbekannt",
  cost_unknown_hint:
    "Für dieses Modell ist kein Preis bekannt, die Kosten sind also unbekannt. Sie sind nicht null.",
  cost_at_least: "≥ {amount}",
  cost_at_least_hint:
    "Mindestens {amount}: Für einige Anfragen ist kein Preis bekannt, die wahren Kosten liegen höher.",
  cost_estimated: "≈ {amount}",
  cost_estimated_hint:
    "Etwa {amount}: Der Anbieter hat nicht für jede Anfrage den Verbrauch gemeldet, er ist geschätzt.",
  cost_exact_hint: "Genau {amount}",
  cost_not_billable: "Nicht berechnet",
  cost_not_billable_hint:
    "Hierfür wird nichts berechnet, etwa weil die Anfrage abgelehnt wurde oder das Modell kostenlos ist.",
};
