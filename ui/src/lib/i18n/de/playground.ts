import type { playground as english } from "../en/playground";
import type { Translation } from "../types";

export const playground: Translation<typeof english> = {
  playground_title: "Spielplatz",
  playground_clear: "Neues Gespräch",
  playground_model: "Modell",
  playground_choose_model: "Modell wählen",
  playground_settings: "Systemprompt und Parameter",
  playground_system: "Systemprompt",
  playground_system_hint: "Steht vor dem Gespräch. Leer sendet keinen.",
  playground_temperature: "Temperatur",
  playground_temperature_hint: "0 bis 2. Leer überlässt es dem Modell.",
  playground_max_tokens: "Längste Antwort, in Token",
  playground_max_tokens_hint: "Leer überlässt es dem Modell.",
  playground_error_temperature: "Schreiben Sie eine Zahl von 0 bis 2 oder nichts.",
  playground_error_max_tokens: "Schreiben Sie eine ganze Zahl über 0 oder nichts.",
  playground_message: "Nachricht",
  playground_placeholder: "Fragen Sie das Modell etwas",
  playground_send: "Senden",
  playground_send_hint: "{shortcut} sendet, Umschalt Eingabe macht eine neue Zeile",
  playground_stop: "Anhalten",
  playground_conversation: "Gespräch",
  playground_you: "Sie",
  playground_regenerate: "Noch einmal fragen",
  playground_copy_answer: "Antwort kopieren",
  playground_inspect: "Anfrage zeigen",
  playground_waiting: "Wartet auf das erste Wort…",
  playground_streaming: "Antwortet…",
  playground_stopped: "Von Ihnen angehalten. Was bis dahin ankam, ist verbraucht und steht in den Büchern.",
  playground_record_waiting: "Rechnet zusammen…",
  playground_record_missing: "Die Zahlen stehen noch nicht in den Büchern.",
  playground_first_output: "erstes Wort nach {time}",
  playground_total_time: "{time} insgesamt",
  playground_tokens: "{input} hinein, {output} heraus",
  playground_tokens_estimated: "etwa {input} hinein, {output} heraus",
  playground_tokens_unknown: "Token unbekannt",
  playground_done: "Antwort vollständig.",
  playground_empty_title: "Ein Modell ausprobieren",
  playground_empty_text:
    "Jede Antwort zeigt, was sie gekostet und wie lange sie gedauert hat. Gespräche sind vergessen, wenn das Fenster schließt.",
  playground_no_models_title: "Noch keine Modelle",
  playground_no_models_text:
    "Fügen Sie einen Anbieter hinzu und wählen Sie einige seiner Modelle, dann können Sie hier mit ihnen sprechen.",
  playground_price_free: "kostenlos",
  playground_price_unknown: "Preis unbekannt",
  playground_price: "{input} / {output} je M",
  playground_running_total: "Dieses Gespräch: {cost}",
  playground_failed_title: "Keine Antwort",
  playground_failed_cut_title: "Die Antwort brach ab",
  playground_failed_cut:
    "Der Anbieter beendete die Antwort vor ihrem Schlusszeichen. Was Sie sehen, kann unvollständig sein. Fragen Sie noch einmal.",
  playground_failed_unreachable:
    "MegaRouter hat nicht geantwortet. Prüfen Sie, ob es noch läuft, und fragen Sie noch einmal.",
  playground_failed_unknown:
    "Die Anfrage schlug ohne Grund fehl. Öffnen Sie die Anfrage, um zu sehen, was geschah, und fragen Sie noch einmal.",
  playground_failed_paused:
    "Der Proxy ist angehalten, deshalb wurde nichts gesendet. Setzen Sie ihn fort und fragen Sie noch einmal.",
};
