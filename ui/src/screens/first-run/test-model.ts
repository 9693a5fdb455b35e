import type { Model } from "$lib/api";

/** Words in the names of models that do not chat; only a guess for what to offer first. */
const NOT_FOR_CHAT = /embed|whisper|tts|audio|dall-e|image|moderation|rerank|transcri|realtime/i;

/** The model to offer for the test: one of the new provider's that looks able to chat, else any. */
export function testModel(models: readonly Model[], providerId: string | null): Model | undefined {
  const own = models.filter((model) => model.deployments.some((one) => one.provider_id === providerId));
  const chats = (model: Model) => !NOT_FOR_CHAT.test(model.name);
  return own.find(chats) ?? models.find(chats) ?? own[0] ?? models[0];
}
