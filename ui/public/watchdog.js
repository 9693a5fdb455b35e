// Watches the start of the application. When it has not announced itself within 5 s, the static shell
// names the cause instead of staying blank. Has no dependency on the bundle it watches.
(() => {
  const started = performance.now();
  const problems = [];
  const note = (event) => {
    const source = event.target && (event.target.src || event.target.href);
    problems.push(
      source ? `could not load ${source}` : String(event.message || event.reason || "unknown error"),
    );
  };
  addEventListener("error", note, true);
  addEventListener("unhandledrejection", note);

  const element = (id) => document.getElementById(id);
  const diagnostics = () =>
    [
      `MegaRouter did not start within ${Math.round(performance.now() - started)} ms`,
      `page: ${location.origin}${location.pathname}`,
      `web view: ${navigator.userAgent}`,
      `language: ${navigator.language}, pixel ratio: ${devicePixelRatio}, state: ${document.readyState}`,
      ...problems.map((problem) => `problem: ${problem}`),
    ].join("\n");

  const report = () => {
    const stall = element("shell-stall");
    if (!stall) return;
    const detail = element("shell-detail");
    detail.textContent = diagnostics();
    element("shell-wait").hidden = true;
    stall.hidden = false;
    const internals = window.__TAURI_INTERNALS__;
    const restart = element("shell-restart");
    restart.hidden = !internals;
    restart.addEventListener("click", () => internals.invoke("restart_in_safe_graphics"));
    element("shell-reload").addEventListener("click", () => location.reload());
    element("shell-copy").addEventListener("click", () => {
      const selection = getSelection();
      selection.selectAllChildren(detail);
      if (navigator.clipboard) navigator.clipboard.writeText(diagnostics()).catch(() => {});
    });
  };

  const timer = setTimeout(report, 5000);
  addEventListener("megarouter:started", () => {
    clearTimeout(timer);
    removeEventListener("error", note, true);
    removeEventListener("unhandledrejection", note);
  });
})();
