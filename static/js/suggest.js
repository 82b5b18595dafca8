/* What a search box offers while one types: `input[data-suggestions]` names the address, which answers with options.
   The pattern of a combobox: arrows choose, Enter or Tab takes, Escape closes; focus never leaves the box. */
(() => {
  "use strict";
  const PAUSE_MS = 120;
  const on = (type, handler, options) => document.addEventListener(type, handler, options);
  const lists = new WeakMap();
  let timer = 0;
  let asked = 0;

  const boxOf = (node) => (node instanceof Element ? node.closest("input[data-suggestions]") : null);
  const listOf = (box) => {
    if (lists.has(box)) return lists.get(box);
    const list = document.createElement("ul");
    list.className = "search-options";
    list.id = `${box.name}-options`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    list.hidden = true;
    box.form.append(list);
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", list.id);
    box.setAttribute("aria-expanded", "false");
    lists.set(box, list);
    return list;
  };
  const options = (box) => Array.from(listOf(box).querySelectorAll("[role=option]"));
  const chosen = (box) => options(box).find((option) => option.getAttribute("aria-selected") === "true");
  const close = (box) => {
    clearTimeout(timer);
    asked += 1;
    listOf(box).hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (box, option) => {
    options(box).forEach((each) => each.setAttribute("aria-selected", String(each === option)));
    if (!option) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const typed = (box) => box.value.slice(0, box.selectionStart ?? box.value.length);

  const ask = async (box) => {
    const mine = ++asked;
    const address = new URL(box.dataset.suggestions, location.href);
    address.searchParams.set("typed", typed(box));
    const scope = new URL(location.href).searchParams.get("connection");
    if (scope) address.searchParams.set("connection", scope);
    const list = listOf(box);
    await window.htmx.ajax("GET", address.pathname + address.search, { source: list, target: list, swap: "innerHTML" });
    if (mine !== asked || document.activeElement !== box) return;
    const some = options(box).length > 0;
    list.hidden = !some;
    box.setAttribute("aria-expanded", String(some));
    box.removeAttribute("aria-activedescendant");
  };

  const take = (box, option) => {
    const before = typed(box);
    const rest = box.value.slice(before.length).replace(/^\S*/, "").trimStart();
    const start = Array.from(before).slice(0, Number(option.dataset.kept)).join("") + option.dataset.insert;
    box.value = start + rest;
    box.setSelectionRange(start.length, start.length);
    close(box);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  on("input", (event) => {
    const box = boxOf(event.target);
    if (!box) return;
    clearTimeout(timer);
    timer = setTimeout(() => ask(box), PAUSE_MS);
  });
  on("focusin", (event) => { const box = boxOf(event.target); if (box) listOf(box); });
  on("focusout", (event) => { const box = boxOf(event.target); if (box) close(box); });
  on("submit", (event) => { const box = event.target.querySelector("input[data-suggestions]"); if (box) close(box); }, true);
  on("keydown", (event) => {
    const box = boxOf(event.target);
    if (!box) return;
    const list = listOf(box);
    if (event.key === "ArrowDown" && list.hidden) {
      event.preventDefault();
      ask(box);
      return;
    }
    if (list.hidden) return;
    const all = options(box);
    const place = all.indexOf(chosen(box));
    if (event.key === "ArrowDown") choose(box, all[(place + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(box, all[(place < 0 ? all.length : place + all.length) % all.length - 1] || all[all.length - 1]);
    else if ((event.key === "Enter" || event.key === "Tab") && place >= 0) take(box, all[place]);
    else if (event.key === "Escape") close(box);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  on("mousedown", (event) => {
    const option = event.target instanceof Element && event.target.closest(".search-options [role=option]");
    if (!option) return;
    event.preventDefault(); /* the box keeps the focus */
    take(option.closest("form").querySelector("input[data-suggestions]"), option);
  });
})();
