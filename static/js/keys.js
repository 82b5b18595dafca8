/* Keyboard shortcuts; off in inputs, and off altogether when a person says so on the `?` sheet. */
(() => {
  "use strict";
  const GO = { d: "home", v: "views", r: "changes", s: "schedules", a: "activity", l: "audit", y: "sync" };
  const ROWS = "table.data tbody tr, ul.rows > li";
  const CHORD_MS = 1200;
  const sheet = () => document.getElementById("keys");
  const isOff = () => {
    try { return localStorage.getItem("wa-keys") === "off"; } catch { return false; }
  };
  const isShown = (row) => row.offsetParent !== null;  // rows of a closed fold cannot take the focus
  const rows = () => Array.from(document.querySelectorAll(ROWS)).filter((row) => isShown(row) && row.querySelector(".row-link, a"));
  const current = () => document.querySelector(".is-current");
  const linkOf = (row) => row && (row.querySelector(".row-link") || row.querySelector("a"));
  let chordUntil = 0;

  const move = (step) => {
    const list = rows();
    if (!list.length) return;
    const at = list.indexOf(current());
    const next = list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    current()?.classList.remove("is-current");
    next.classList.add("is-current");
    linkOf(next)?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const select = (range) => {
    const box = current()?.querySelector("[data-bulk-item]:not(:disabled), [data-bulk-group]");
    if (!box) return;
    box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range }));
  };
  const clear = () => {
    document.querySelectorAll("[data-bulk-clear]").forEach((button) => button.click());
    current()?.classList.remove("is-current");
  };
  const openSheet = () => {
    const dialog = sheet();
    if (!dialog) return;
    dialog.querySelector("[data-keys-off]").checked = isOff();
    dialog.showModal();
  };
  const search = () => {
    const box = document.querySelector("[data-search], input[type=search]");
    if (!box) return false;
    box.focus();
    box.select();
    return true;
  };
  const go = (key) => {
    const link = GO[key] && document.querySelector(`[data-nav="${GO[key]}"]`);
    if (link) link.click();
    return Boolean(link);
  };
  const press = (key) => {
    const target = document.querySelector(`main [data-key="${CSS.escape(key)}"]:not(:disabled, [inert] *)`);
    if (target) target.click();
    return Boolean(target);
  };

  const ACTIONS = {
    "?": openSheet,
    "/": search,
    g: () => { chordUntil = Date.now() + CHORD_MS; },
    j: () => move(1),
    k: () => move(-1),
    o: () => { const link = linkOf(current()); if (link) window.open(link.href, "_blank", "noopener"); },
    x: () => select(false),
    X: () => select(true),
    ".": () => { const menu = current()?.querySelector("details.menu"); if (menu) { menu.open = true; menu.querySelector("a, button")?.focus(); } },
    n: () => { press("n") || document.querySelector(".page-actions a.btn-primary")?.click(); },
    Escape: clear,
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true], .ace_editor");
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.form) {
      event.preventDefault();
      event.target.form.requestSubmit();
      return;
    }
    if (typing && event.key === "Escape" && event.target.matches("[data-search]")) event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isOff() || document.querySelector("dialog[open]")) return;
    if (chordUntil > Date.now()) {
      chordUntil = 0;
      if (go(event.key)) event.preventDefault();
      return;
    }
    const action = ACTIONS[event.key];
    if (!action) { if (event.key.length === 1 && press(event.key)) event.preventDefault(); return; }
    action();
    if (event.key !== "Escape") event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-open]")) openSheet();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-off]")) return;
    try { localStorage.setItem("wa-keys", event.target.checked ? "off" : "on"); } catch { /* lasts for this page only */ }
  });
})();
