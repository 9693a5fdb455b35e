/** The money self-check and the backups of the ledger, wherever they are shown. */
import { type LedgerStatus, mutate, Query, type Verification } from "$lib/api";
import { size } from "$lib/format";
import { m } from "$lib/i18n";
import { toasts } from "$lib/ui/toasts.svelte";

/** How often a running check is asked for its progress, where no event tells it. */
const askPause = 1_000;

/** Create it while a component initialises. */
export class LedgerCheck {
  readonly #ledger = new Query("GET /ledger", () => ({}));
  isBackingUp = $state(false);

  constructor() {
    $effect(() => {
      if (!this.isRunning) return;
      const timer = setInterval(() => void this.#ledger.refresh(), askPause);
      return () => clearInterval(timer);
    });
  }

  get status(): LedgerStatus | undefined {
    return this.#ledger.value;
  }

  get failure(): string | undefined {
    return this.#ledger.value === undefined ? this.#ledger.error?.message : undefined;
  }

  get verification(): Verification | null {
    return this.#ledger.value?.verification ?? null;
  }

  get isRunning(): boolean {
    return this.verification?.state === "running";
  }

  /** Begins a check. */
  async run(): Promise<void> {
    try {
      const verification = await mutate("POST /ledger/verify", {});
      this.#ledger.patch((status) => ({ ...status, verification }));
    } catch (cause) {
      toasts.show(m.check_broken({ reason: reasonOf(cause) }), { tone: "bad" });
    }
  }

  /** Copies the ledger and checks the copy. */
  async backUp(): Promise<void> {
    this.isBackingUp = true;
    try {
      const backup = await mutate("POST /ledger/backup", {});
      toasts.show(m.backup_done({ size: size(backup.size_bytes) }), { tone: "ok" });
    } catch (cause) {
      toasts.show(m.backup_failed({ reason: reasonOf(cause) }), { tone: "bad" });
    } finally {
      this.isBackingUp = false;
    }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
