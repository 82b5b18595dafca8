/* Comments under the lines of a comparison: the number of a line opens the form there. Without this it has a page. */
(() => {
  "use strict";
  const numbers = () => Array.from(document.querySelectorAll("#diff .diff-no > a"));
  const numberIn = (target) => target.closest?.("#diff .diff-no > a");

  /* Hundreds of links are one stop for the tabulator; arrows go on from there. `t` presses the current one. */
  let current = null;
  const choose = (link) => {
    if (!link || link === current) return;
    if (current) { current.tabIndex = -1; delete current.dataset.key; }
    current = link;
    link.tabIndex = 0;
    link.dataset.key = "t";
  };
  const start = () => {
    const links = numbers();
    for (const link of links) link.tabIndex = -1;
    const changed = (kind) => document.querySelector(`#diff .diff-row.diff-${kind} > .diff-no > a, #diff .diff-no:has(+ .diff-${kind}) > a`);
    choose(changed("insert") || changed("delete") || links[0]);
  };
  const columnOf = (link) => Array.from(link.closest("tr").children).indexOf(link.parentElement);
  const move = (link, step) => {
    const column = columnOf(link);
    let row = link.closest("tr");
    while ((row = step > 0 ? row.nextElementSibling : row.previousElementSibling)) {
      const links = Array.from(row.querySelectorAll(":scope > .diff-no > a"));
      const next = links.find((each) => columnOf(each) === column) || links[0];
      if (next) { choose(next); next.focus(); return; }
    }
  };
  document.addEventListener("focusin", (event) => choose(numberIn(event.target)));
  document.addEventListener("keydown", (event) => {
    const link = numberIn(event.target);
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    move(link, step);
  }, true);

  /* The form, under the threads that the line may have already. One for each line; a second press closes it. */
  const isUntouched = (row) => Array.from(row.querySelectorAll("textarea")).every((area) => area.value === area.defaultValue);
  const close = (row) => {
    const link = row.opener;
    row.remove();
    link?.focus();
  };
  /* Under the threads that the line may have already. */
  const putUnder = (line, row) => {
    let place = line;
    while (place.nextElementSibling?.classList.contains("diff-aside")) place = place.nextElementSibling;
    row.firstElementChild.colSpan = Array.from(line.children).reduce((sum, cell) => sum + cell.colSpan, 0);
    place.after(row);
  };
  const open = (link, last) => {
    const row = document.createElement("tr");
    row.className = "diff-aside";
    row.opener = link;
    row.address = link.getAttribute("href"); /* kept while the line itself may be hidden */
    const cell = row.appendChild(document.createElement("td"));
    putUnder(link.closest("tr"), row);
    link.form = row;
    const address = last ? `${link.getAttribute("href")}?to=${last}` : link.getAttribute("href");
    window.htmx.ajax("GET", address, { target: cell, swap: "innerHTML" }).then(() => {
      if (cell.childElementCount) cell.querySelector("textarea")?.focus();
      else row.remove();
    });
  };
  document.addEventListener("click", (event) => {
    const link = numberIn(event.target);
    if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.button) return;
    event.preventDefault();
    const from = event.shiftKey && current && columnOf(current) === columnOf(link) ? current : link;
    const [first, last] = [Number(from.textContent), Number(link.textContent)];
    const begin = last >= first ? from : link;
    choose(begin);
    const row = begin.form?.isConnected && begin.form.querySelector(".thread-new") ? begin.form : null;
    if (row && !(isUntouched(row) || event.shiftKey)) { row.querySelector("textarea").focus(); return; }
    if (row) { close(row); if (!event.shiftKey) return; }
    open(begin, first === last ? 0 : Math.max(first, last));
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("[data-line-cancel]")?.closest("tr.diff-aside");
    if (!row) return;
    event.preventDefault();
    close(row);
  });
  document.addEventListener("keydown", (event) => {
    const row = event.key === "Escape" && event.target.closest?.(".thread-new")?.closest("tr.diff-aside");
    if (row && isUntouched(row)) close(row);
  });

  /* What was sent is no draft any more; the page stays, so nothing else would tell. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.requestConfig?.elt?.closest?.("form.thread-new, .thread form");
    if (!form || event.detail.xhr.status !== 200) return;
    for (const area of form.querySelectorAll("textarea[data-draft-key]")) {
      area.value = area.defaultValue;
      area.dispatchEvent(new CustomEvent("draft:saved"));
    }
  });

  /* When the comparison is drawn anew, to show other lines or in another form, what is being written goes along. */
  let carried = [];
  const splitAt = (address) => [address.replace(/\d+\/$/, ""), Number(/(\d+)\/$/.exec(address)?.[1])];
  /* The line of that address or, where it is not shown any more, the last one before it; else the first there is. */
  const lineOf = (address) => {
    const [side, number] = splitAt(address);
    const found = numbers().filter((each) => splitAt(each.getAttribute("href"))[0] === side);
    return found.findLast((each) => splitAt(each.getAttribute("href"))[1] <= number) || found[0] || numbers()[0];
  };
  const putBack = (row, at) => {
    const link = lineOf(at);
    putUnder(link?.closest("tr") || document.querySelector("#diff tbody").lastElementChild, row);
    row.opener = link;
    if (link?.getAttribute("href") === at) link.form = row;
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const section = event.detail.target;
    if (section.id !== "diff" || event.detail.xhr.status !== 200) return;
    const forms = Array.from(section.querySelectorAll("tr.diff-aside")).filter((row) => row.address && row.querySelector(".thread-new"));
    const areas = Array.from(section.querySelectorAll(".thread textarea")).filter((area) => area.value !== area.defaultValue);
    carried = [...forms.map((row) => ({ row, at: row.address })), ...areas.map((area) => ({ id: area.id, value: area.value }))];
    for (const row of forms) row.remove();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "diff" && event.detail.elt?.id !== "diff") return;
    for (const { row, at, id, value } of carried) {
      const area = id && document.getElementById(id);
      if (area) { area.value = value; area.closest("details")?.setAttribute("open", ""); }
      if (row) putBack(row, at);
    }
    carried = [];
    current = null;
    start();
  });

  /* A thread that an address leads to is open, whatever it is. */
  const unfold = () => {
    const thread = /^#(thread|comment)-\d+$/.test(location.hash) && document.querySelector(location.hash)?.closest("details.thread");
    if (!thread) return;
    thread.open = true;
    thread.scrollIntoView({ block: "center" });
  };
  window.addEventListener("hashchange", unfold);
  start();
  unfold();
})();
