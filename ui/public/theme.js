// Sets theme, density and system before the first paint, so that nothing flashes. Kept outside the
// bundle because the content security policy allows no inline script.
(() => {
  const root = document.documentElement;
  const read = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const chosen = read("megarouter.theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : prefersDark ? "dark" : "light";
  root.dataset.density = read("megarouter.density") || "compact";
  const agent = navigator.userAgent;
  root.dataset.os = /Mac/.test(agent) ? "macos" : /Windows/.test(agent) ? "windows" : "linux";
})();
