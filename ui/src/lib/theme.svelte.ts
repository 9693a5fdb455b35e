/** Light, dark or the system's choice; and the density of lists and controls. */

export type Theme = "light" | "dark" | "auto";
export type Density = "compact" | "comfortable" | "large";

const themeName = "megarouter.theme";
const densityName = "megarouter.density";
const darkQuery = matchMedia("(prefers-color-scheme: dark)");

function stored<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  const value = localStorage.getItem(name) as T | null;
  return value && allowed.includes(value) ? value : otherwise;
}

class Appearance {
  /** What the person chose. */
  theme = $state<Theme>(stored(themeName, ["light", "dark", "auto"], "auto"));
  density = $state<Density>(stored(densityName, ["compact", "comfortable", "large"], "compact"));
  #systemIsDark = $state(darkQuery.matches);

  constructor() {
    darkQuery.addEventListener("change", (event) => {
      this.#systemIsDark = event.matches;
      this.#apply();
    });
  }

  /** What is shown. */
  get shown(): "light" | "dark" {
    if (this.theme !== "auto") return this.theme;
    return this.#systemIsDark ? "dark" : "light";
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(themeName, theme);
    this.#apply();
  }

  setDensity(density: Density): void {
    this.density = density;
    localStorage.setItem(densityName, density);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.shown;
    document.documentElement.dataset.density = this.density;
  }
}

export const appearance = new Appearance();
