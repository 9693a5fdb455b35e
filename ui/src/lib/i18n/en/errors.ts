/** What became of a request, by the stable code it ended with: what happened, what it means, what to do. */
export const errors = {
  error_key_missing: "The request carried no key. Put a key of MegaRouter into the app.",
  error_key_invalid: "The key is unknown, revoked or expired. Give the app a current key.",
  error_model_not_found: "No model has the name that was asked for. Choose a listed model, or add this one.",
  error_model_forbidden: "The key may not use this model. Allow the model for the key, or ask for another.",
  error_model_unavailable: "No provider could be tried for this model. Turn on a provider that serves it.",
  error_request_malformed: "The request was not valid JSON. The app has to send a correct one.",
  error_request_invalid: "A field of the request was wrong. The app has to send a correct one.",
  error_request_too_large: "The request was larger than the limit. Send less, or raise the limit.",
  error_request_context_length:
    "The conversation is longer than the model can read. Shorten it, or ask for a model with more context.",
  error_request_timeout: "The request did not arrive completely in time. Check the app's connection.",
  error_request_unsupported: "The request asks for something MegaRouter does not do.",
  error_path_not_found: "The app called a path that does not exist. Check its base URL.",
  error_method_not_allowed: "The app used a wrong method for this path. Check its base URL.",
  error_host_refused:
    "The request named another host than this proxy. Use the base URL shown at the lower left.",
  error_origin_refused: "A web page that is not on the list tried to call the proxy.",
  error_upstream_unreachable:
    "The provider could not be reached. Check the connection and the provider's address.",
  error_upstream_timeout:
    "The provider did not answer in time. Try again, or add a second provider for this model.",
  error_upstream_error: "The provider answered with an error of its own.",
  error_upstream_credential: "The provider refused the credential. Enter it again under Providers.",
  error_upstream_rate_limited:
    "The provider's rate limit or quota is used up. Wait, or add a second provider.",
  error_upstream_malformed: "The provider's answer could not be read.",
  error_upstream_truncated:
    "The provider's answer broke off before its end. What arrived was passed on and counted.",
  error_credential_unavailable:
    "The provider's credential could not be read. Unlock the secret store, or enter it again.",
  error_ledger_unavailable:
    "The ledger could not be written, so nothing was sent to a provider. Check the disk.",
  error_budget_exceeded: "A budget would have been exceeded, so nothing was sent to a provider.",
  error_budget_unavailable:
    "The nodes could not agree on a budget in time, so nothing was sent to a provider. Try again shortly.",
  error_budget_exhausted:
    "A budget ran out while the answer was arriving, so it was cut there. What arrived is counted.",
  error_rate_limited:
    "A limit on requests or tokens was reached, so nothing was sent to a provider. Wait a little.",
  error_idempotency_conflict:
    "A request with the same idempotency key runs or ran already, so this one was not sent again.",
  error_proxy_paused: "The proxy was paused. Resume it to serve requests.",
  error_overloaded: "There were more connections than the limit. Try again.",
  error_shutting_down: "MegaRouter was stopping. Try again.",
  error_client_left:
    "The app closed the connection before the answer was complete. What was used is counted.",
  error_internal: "Something in MegaRouter failed. Please report it with the request's id.",
  error_other: "The request ended with an error.",
} as const;
