import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), ...(mode === "test" ? [svelteTesting()] : [])],
  resolve: {
    alias: [{ find: /^\$lib\//, replacement: fileURLToPath(new URL("./src/lib/", import.meta.url)) }],
  },
  build: {
    target: ["safari16.4", "chrome120"],
    // Inlined assets would need `data:` in the font policy.
    assetsInlineLimit: 0,
    // The web view loads from the disk or from the loopback address: preloading helps nobody.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { port: 5173, strictPort: true },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    // Nothing here waits for the clock; a loaded machine may still be slow.
    testTimeout: 30_000,
  },
}));
