import { configure } from "@testing-library/svelte";
import { vi } from "vitest";

// happy-dom has no media queries worth the name; tests choose nothing about the system.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
}));

// A loaded machine may be slow; what never comes still fails.
configure({ asyncUtilTimeout: 10_000 });
