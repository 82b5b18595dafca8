/* The grid of schedules: the column under the pointer, or the one that arrow keys have reached, is marked and read out. */
(() => {
  "use strict";
  const PITCH = 18;
  const on = (type, handler) => document.addEventListener(type, handler);
  const says = () => document.querySelector("[data-grid-says]");
  const columns = (table) => Array.from(table.querySelectorAll("[data-grid-column]"));
  let shown = null;

  /* The browser's own hint would cover ours. */
  const titleOf = (node) => {
    const title = node.querySelector("title");
    if (title) {
      node.dataset.told = title.textContent;
      title.remove();
    }
    return node.dataset.told || "";
  };
  const cellOf = (row, place) => {
    const bar = Array.from(row.querySelectorAll(".spark-bar")).find((one) => Number(one.querySelector(".spark-hit").getAttribute("x")) === place * PITCH);
    return bar ? titleOf(bar) : "no run";
  };
  const line = (tag, text) => {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  };
  const tell = (table, place, row) => {
    const column = columns(table)[place];
    const head = table.querySelector("[data-grid-head]");
    const picture = head.querySelector("svg").getBoundingClientRect();
    const wide = picture.width ? picture.width / columns(table).length : 0;
    table.style.setProperty("--column-at", `${picture.left - head.getBoundingClientRect().left + place * wide - 1}px`);
    table.style.setProperty("--column-wide", `${wide}px`);
    table.classList.add("has-column");
    titleOf(column);
    const box = says();
    const parts = [line("span", column.dataset.gridColumn)];
    if (row) parts.unshift(line("strong", row.querySelector(".row-link").textContent), line("span", cellOf(row, place)));
    box.replaceChildren(...parts);
    box.hidden = false;
    const from = (row || head).getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const middle = picture.left + (place + 0.5) * wide;
    box.style.left = `${Math.max(12, Math.min(middle - size.width / 2, window.innerWidth - size.width - 12))}px`;
    box.style.top = `${from.top - size.height - 6 > 0 ? from.top - size.height - 6 : from.bottom + 6}px`;
    shown = { table, place, row };
  };
  const clear = () => {
    if (!shown) return;
    shown.table.classList.remove("has-column");
    const box = says();
    if (box) box.hidden = true;
    shown = null;
  };

  on("pointermove", (event) => {
    const cell = event.target.closest?.("table[data-grid] .grid-cells");
    if (!cell) { if (shown?.table.contains(document.activeElement) !== true) clear(); return; }
    const table = cell.closest("table");
    const all = columns(table);
    const picture = table.querySelector("[data-grid-head] svg").getBoundingClientRect();
    const place = Math.floor(((event.clientX - picture.left) / picture.width) * all.length);
    if (place < 0 || place >= all.length) return;
    const row = cell.closest("tbody tr");
    if (shown && shown.table === table && shown.place === place && shown.row === row) return;
    tell(table, place, row);
  });
  on("keydown", (event) => {
    if (event.key === "Escape") clear();
    const table = event.target.closest?.("table[data-grid]");
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!table || !step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    const last = columns(table).length - 1;
    const from = shown ? shown.place : last + 1;
    tell(table, Math.max(0, Math.min(last, from + step)), event.target.closest("tbody tr"));
  });
  on("focusin", (event) => {
    if (!shown) return;
    const row = event.target.closest?.("table[data-grid] tbody tr");
    if (row && row !== shown.row) tell(shown.table, shown.place, row);
    else if (!shown.table.contains(event.target)) clear();
  });
  window.addEventListener("scroll", () => { if (shown) tell(shown.table, shown.place, shown.row); }, { passive: true });
  on("htmx:beforeSwap", clear);
})();
