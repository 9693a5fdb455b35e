import type { errors as english } from "../en/errors";
import type { Translation } from "../types";

export const errors: Translation<typeof english> = {
  error_key_missing:
    "Die Anfrage trug keinen Schlüssel. Tragen Sie einen Schlüssel von MegaRouter in die App ein.",
  error_key_invalid:
    "Der Schlüssel ist unbekannt, widerrufen oder abgelaufen. Geben Sie der App einen gültigen.",
  error_model_not_found:
    "Kein Modell heißt wie verlangt. Wählen Sie ein vorhandenes oder legen Sie dieses an.",
  error_model_forbidden:
    "Der Schlüssel darf dieses Modell nicht nutzen. Erlauben Sie es oder verlangen Sie ein anderes.",
  error_model_unavailable:
    "Für dieses Modell war kein Anbieter bereit. Schalten Sie einen ein, der es bedient.",
  error_request_malformed: "Die Anfrage war kein gültiges JSON. Die App muss eine richtige senden.",
  error_request_invalid: "Ein Feld der Anfrage war falsch. Die App muss eine richtige senden.",
  error_request_too_large:
    "Die Anfrage war größer als erlaubt. Senden Sie weniger oder heben Sie die Grenze an.",
  error_request_context_length:
    "Das Gespräch ist länger, als das Modell lesen kann. Kürzen Sie es, oder verlangen Sie ein Modell mit mehr Kontext.",
  error_request_timeout: "Die Anfrage kam nicht rechtzeitig ganz an. Prüfen Sie die Verbindung der App.",
  error_request_unsupported: "Die Anfrage verlangt etwas, das MegaRouter nicht kann.",
  error_path_not_found: "Die App rief einen Pfad, den es nicht gibt. Prüfen Sie ihre Basisadresse.",
  error_method_not_allowed:
    "Die App nutzte für diesen Pfad eine falsche Methode. Prüfen Sie ihre Basisadresse.",
  error_host_refused:
    "Die Anfrage nannte einen anderen Rechner als diesen Proxy. Nutzen Sie die Basisadresse unten links.",
  error_origin_refused: "Eine Webseite, die nicht auf der Liste steht, wollte den Proxy rufen.",
  error_upstream_unreachable:
    "Der Anbieter war nicht erreichbar. Prüfen Sie die Verbindung und seine Adresse.",
  error_upstream_timeout:
    "Der Anbieter antwortete nicht rechtzeitig. Versuchen Sie es erneut oder fügen Sie einen zweiten hinzu.",
  error_upstream_error: "Der Anbieter antwortete mit einem eigenen Fehler.",
  error_upstream_credential: "Der Anbieter wies die Zugangsdaten ab. Geben Sie sie unter Anbieter neu ein.",
  error_upstream_rate_limited:
    "Das Kontingent beim Anbieter ist erschöpft. Warten Sie oder fügen Sie einen zweiten hinzu.",
  error_upstream_malformed: "Die Antwort des Anbieters war nicht lesbar.",
  error_upstream_truncated:
    "Die Antwort des Anbieters brach vor dem Ende ab. Was ankam, wurde weitergereicht und gezählt.",
  error_credential_unavailable:
    "Die Zugangsdaten des Anbieters waren nicht lesbar. Entsperren Sie den Speicher oder geben Sie sie neu ein.",
  error_ledger_unavailable:
    "Das Hauptbuch ließ sich nicht schreiben, darum wurde nichts gesendet. Prüfen Sie den Datenträger.",
  error_budget_exceeded: "Ein Budget wäre überschritten worden, darum wurde nichts gesendet.",
  error_budget_unavailable:
    "Die Knoten konnten sich nicht rechtzeitig über ein Budget einigen, darum wurde nichts gesendet. Versuchen Sie es gleich noch einmal.",
  error_budget_exhausted:
    "Ein Budget ging zu Ende, während die Antwort eintraf, darum wurde sie dort abgeschnitten. Was ankam, ist gezählt.",
  error_rate_limited:
    "Eine Grenze für Anfragen oder Token war erreicht, darum wurde nichts gesendet. Warten Sie ein wenig.",
  error_idempotency_conflict:
    "Eine Anfrage mit demselben Idempotenzschlüssel läuft oder lief schon, darum wurde diese nicht noch einmal gesendet.",
  error_proxy_paused: "Der Proxy war angehalten. Setzen Sie ihn fort, um Anfragen zu bedienen.",
  error_overloaded: "Es gab mehr Verbindungen als erlaubt. Versuchen Sie es erneut.",
  error_shutting_down: "MegaRouter wurde gerade beendet. Versuchen Sie es erneut.",
  error_client_left: "Die App schloss die Verbindung vor dem Ende der Antwort. Das Verbrauchte ist gezählt.",
  error_internal: "In MegaRouter ist etwas fehlgeschlagen. Bitte melden Sie es mit der Kennung der Anfrage.",
  error_other: "Die Anfrage endete mit einem Fehler.",
};
