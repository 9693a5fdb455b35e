import { vi } from "vitest";

// happy-dom has no media queries worth the name; tests choose nothing about the system.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
}));
