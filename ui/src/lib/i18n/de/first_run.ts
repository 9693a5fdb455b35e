import type { first_run as english } from "../en/first_run";
import type { Translation } from "../types";

export const first_run: Translation<typeof english> = {
  first_run_title: "MegaRouter einrichten",
  first_run_steps: "Schritte",
  first_run_step_of: "Schritt {step} von {total}",
  first_run_skip: "Diesen Schritt überspringen",
  first_run_next: "Weiter",
  first_run_step_welcome: "Willkommen",
  first_run_step_provider: "Anbieter hinzufügen",
  first_run_step_key: "App verbinden",
  first_run_step_test: "Erste Anfrage",
  first_run_welcome_title: "Wie werden Sie es benutzen?",
  first_run_welcome_words:
    "MegaRouter läuft auf diesem Rechner. Ihre Apps senden ihm ihre KI-Anfragen; es gibt sie an Ihre Anbieter weiter und führt Buch: was gefragt wurde, was es kostete, wie lange es dauerte.",
  first_run_just_me: "Nur ich",
  first_run_just_me_hint:
    "Einstellungen, Schlüssel und Bücher bleiben auf diesem Rechner. Ein Konto ist nicht nötig.",
  first_run_catalogue: "Modellpreise aus dem Internet aktuell halten",
  first_run_catalogue_hint:
    "Einmal am Tag aus zwei öffentlichen Listen; über Sie wird nichts gesendet. Aus: die Preise dieser Version. In den Einstellungen änderbar.",
  first_run_provider_words:
    "Wohin sollen Anfragen gehen? Nehmen Sie etwas Gefundenes oder fügen Sie einen Schlüssel ein.",
  first_run_provider_done: "{name} ist bereit.",
  first_run_key_words:
    "Eine App braucht einen eigenen Schlüssel: So sehen Sie, was sie ausgibt, und können sie einzeln anhalten.",
  first_run_key_name: "meine-erste-app",
  first_run_test_words: "Dies sendet eine kurze Frage an {model}, auf demselben Weg wie Ihre Apps.",
  first_run_test_question: "Sag in einem kurzen Satz hallo.",
  first_run_test_send: "Probe senden",
  first_run_test_again: "Noch einmal senden",
  first_run_test_no_model:
    "Es gibt noch kein Modell. Fügen Sie zuerst einen Anbieter mit mindestens einem Modell hinzu.",
  first_run_test_back: "Anbieter hinzufügen",
  first_run_end: "Ihre erste Anfrage kostete {cost} und dauerte {time}.",
  first_run_end_free: "Ihre erste Anfrage kostete nichts und dauerte {time}.",
  first_run_end_unknown:
    "Ihre erste Anfrage dauerte {time}. Ihre Kosten sind unbekannt, weil das Modell noch keinen Preis hat.",
  first_run_end_where: "Sie steht schon unter Anfragen, wie jede von jetzt an.",
  first_run_finish: "Zur Übersicht",
  first_run_open_request: "Anfrage zeigen",
};
