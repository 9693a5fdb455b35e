import { m } from "$lib/i18n";

/** What a provider does besides conversations; its id in words where a newer server knows more than this window. */
export function operationText(operation: string): string {
  const texts: Readonly<Record<string, () => string>> = {
    count_tokens: m.requests_operation_count_tokens,
    completions: m.requests_operation_completions,
    embeddings: m.requests_operation_embeddings,
    images: m.requests_operation_images,
    image_edits: m.provider_does_image_edits,
    speech: m.requests_operation_speech,
    transcriptions: m.requests_operation_transcriptions,
    translations: m.provider_does_translations,
    moderations: m.requests_operation_moderations,
    rerank: m.requests_operation_rerank,
  };
  return texts[operation]?.() ?? operation.replaceAll("_", " ");
}
