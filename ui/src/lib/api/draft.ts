/** Operations of the routing part of the control API until the generated document has them. */
import type {
  BodyRules,
  Counterfactual,
  CredentialChoice,
  ExplainRoute,
  Explanation,
  Feedback,
  FeedbackPage,
  GiveFeedback,
  LearntExport,
  LearntImport,
  LearntState,
  NewReplay,
  PolicySimulation,
  Promote,
  Promotion,
  Provider,
  ProviderHealth,
  Radar,
  RadarReplace,
  RadarReplacement,
  Replay,
  ReplayDetail,
  ReplayItem,
  ReplayVote,
  RequestCounterfactual,
  RequestTexts,
  RouterReport,
  Savings,
  SimulatePolicy,
  Vote,
} from "./types";

type Json<T> = { content: { "application/json": T } };
type Op<Answer, Body = never, Query = never, Path = never> = {
  parameters: { query?: Query; path: Path };
  responses: { 200: Json<Answer> };
} & ([Body] extends [never] ? object : { requestBody: Json<Body> });
type ById = { id: string };
type On<T> = T & { [M in Exclude<"get" | "post" | "put" | "patch" | "delete", keyof T>]?: never };

/** What answers and bodies get beside what the document has. */
export interface AnswersToCome {
  "GET /settings": {
    bodies: BodyRules;
    savings_baseline: string;
    redaction_patterns: string[];
    probes: boolean;
  };
  "PATCH /settings": {
    bodies: BodyRules;
    savings_baseline: string;
    redaction_patterns: string[];
    probes: boolean;
  };
  "GET /overview": { savings: Savings | null };
}
export interface InputsToCome {
  "PATCH /settings": {
    body: { bodies?: BodyRules; savings_baseline?: string; redaction_patterns?: string[]; probes?: boolean };
  };
  "POST /providers": { body: { region?: string | null; keeps_prompts?: boolean | null } };
  "PATCH /providers/{id}": { body: { region?: string | null; keeps_prompts?: boolean | null } };
}

declare module "./schema" {
  interface paths {
    "/api/v1/policies/simulate": On<{ post: Op<PolicySimulation, SimulatePolicy> }>;
    "/api/v1/route/explain": On<{ post: Op<Explanation, ExplainRoute> }>;
    "/api/v1/counterfactual": On<{
      get: Op<
        Counterfactual,
        never,
        {
          baseline?: string;
          from?: string;
          to?: string;
          unit?: string;
          key_id?: string;
          model?: string;
          provider?: string;
          tag?: string;
        }
      >;
    }>;
    "/api/v1/requests/{id}/counterfactual": On<{ get: Op<RequestCounterfactual, never, never, ById> }>;
    "/api/v1/requests/{id}/feedback": On<{
      get: Op<Feedback[], never, never, ById>;
      post: Op<Feedback, GiveFeedback, never, ById>;
    }>;
    "/api/v1/requests/{id}/body": On<{ get: Op<RequestTexts, never, never, ById> }>;
    "/api/v1/feedback": On<{ get: Op<FeedbackPage, never, { cursor?: string; limit?: number }> }>;
    "/api/v1/feedback/votes": On<{ post: Op<Feedback[], Vote> }>;
    "/api/v1/replays": On<{ get: Op<Replay[]>; post: Op<Replay, NewReplay> }>;
    "/api/v1/replays/{id}": On<{ get: Op<ReplayDetail, never, never, ById> }>;
    "/api/v1/replays/{id}/items/{number}/vote": On<{
      post: Op<ReplayItem, ReplayVote, never, { id: string; number: number }>;
    }>;
    "/api/v1/replays/{id}/stop": On<{ post: Op<Replay, never, never, ById> }>;
    "/api/v1/replays/{id}/promote": On<{
      post: Op<{ is_done: boolean; changes: string[]; promotion: Promotion }, Promote, never, ById>;
    }>;
    "/api/v1/replays/{id}/revert": On<{ post: Op<Replay, never, never, ById> }>;
    "/api/v1/radar": On<{ get: Op<Radar> }>;
    "/api/v1/radar/replace": On<{ post: Op<RadarReplacement, RadarReplace> }>;
    "/api/v1/providers/{id}/credentials": On<{
      post: Op<Provider, { name: string; credential: CredentialChoice }, never, ById>;
    }>;
    "/api/v1/providers/{id}/credentials/{credential_id}": On<{
      patch: Op<
        Provider,
        { name?: string; is_enabled?: boolean; credential?: CredentialChoice },
        never,
        { id: string; credential_id: string }
      >;
      delete: Op<Provider, never, never, { id: string; credential_id: string }>;
    }>;
    "/api/v1/providers/health": On<{ get: Op<ProviderHealth[]> }>;
    "/api/v1/router/report": On<{ get: Op<RouterReport> }>;
    "/api/v1/router/learnt": On<{ get: Op<LearntState> }>;
    "/api/v1/router/learnt/reset": On<{ post: Op<LearntState> }>;
    "/api/v1/router/learnt/export": On<{ get: Op<LearntExport> }>;
    "/api/v1/router/learnt/import": On<{ post: Op<LearntState, LearntImport> }>;
  }
}
