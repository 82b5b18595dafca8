/* The audit log: rows that open in place; `f` filters by the cell under focus or pointer, `F` leaves it out, `y` copies the row. */
(() => {
  "use strict";
  const isOff = () => {
    try { return localStorage.getItem("wa-keys") === "off"; } catch { return false; }
  };
  const toggle = (button) => {
    const more = document.getElementById(button.getAttribute("aria-controls"))?.closest("tr");
    if (!more) return;
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    button.closest("tr").classList.toggle("is-open", !more.hidden);
  };
  const cell = () => document.activeElement?.closest("#audit-table td") || document.querySelector("#audit-table td:hover");
  const row = () => cell()?.closest("tr") || document.querySelector("#audit-table tr.is-current");
  const leaveOut = () => {
    const link = cell()?.querySelector("a[data-filter]");
    if (!link) return;
    const here = new URL(location.href);
    const name = link.dataset.filter;
    const held = here.searchParams.get(name) || "";
    const shown = new URL(link.href).searchParams.get(name);
    const leavesOut = held.startsWith("-");
    /* A filter that asks for more than this, as a group of actions, cannot say "but not this": giving it up would show more, not less. */
    if (held && !leavesOut && held !== shown) return;
    here.searchParams.set(name, leavesOut ? `${held},-${shown}` : `-${shown}`);
    here.searchParams.delete("page");
    location.assign(here);
  };
  const ACTIONS = {
    f: () => cell()?.querySelector("a[data-filter]")?.click(),
    F: leaveOut,
    y: () => {
      const chosen = row();
      if (!chosen || !navigator.clipboard) return;
      const texts = Array.from(chosen.cells, (one) => one.innerText.trim().replace(/\s+/g, " "));
      navigator.clipboard.writeText(texts.join("\t"));
      chosen.classList.add("is-copied");
      setTimeout(() => chosen.classList.remove("is-copied"), 600);
    },
  };
  /* A live list stands still while somebody reads in it. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const table = event.target;
    if (table.id !== "audit-table") return;
    if (table.querySelector("tr.is-open") || table.contains(document.activeElement)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-opens]");
    if (button) toggle(button);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
    const action = ACTIONS[event.key];
    if (!action || typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isOff()) return;
    if (document.querySelector("dialog[open]")) return;
    action();
  });
})();
