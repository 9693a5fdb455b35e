import type { Host } from "./host";

/** The host of the gallery: fixture answers, no backend. */
export function galleryHost(): Host {
  throw new Error("the gallery has no fixtures yet");
}
