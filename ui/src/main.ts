import "./lib/locale";
import "./styles/index.css";
import { mount, unmount } from "svelte";
import App from "./App.svelte";
import { connectHost } from "./lib/host";
import { startLanguage } from "./lib/i18n";

/** Replaces the static shell by the application and tells the watchdog. */
async function start(): Promise<void> {
  const target = document.getElementById("app");
  if (!target) throw new Error("the page has no place for the application");
  const host = await connectHost();
  const [, isSignedIn] = await Promise.all([startLanguage(), signIn(host.kind)]);
  target.replaceChildren();
  const app = mount(App, { target, props: { isSignedIn } });
  dispatchEvent(new Event("megarouter:started"));
  import.meta.hot?.dispose(() => unmount(app));
}

async function signIn(kind: string): Promise<boolean> {
  if (kind !== "browser") return true;
  const { signInFromAddress } = await import("./lib/host.browser");
  return signInFromAddress().catch(() => false);
}

void start();
