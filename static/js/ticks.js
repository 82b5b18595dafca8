/* Ticks that stay while a person pages, sorts or searches inside one list; of one list at a time, in this tab alone. */
(() => {
  "use strict";
  const SLOT = "wa-ticked";
  const MOST = 1000;
  const keeps = (form) => Boolean(form.querySelector("[data-bulk-bar]"));
  const boxesOf = (form) => Array.from(form.querySelectorAll("[data-bulk-item]:not(:disabled)"));
  const listName = () => {
    const scope = new URLSearchParams(location.search).get("connection") || "";
    return [document.body.dataset.user, location.pathname, scope].join(" ");
  };

  const forget = () => { try { sessionStorage.removeItem(SLOT); } catch { /* nothing was kept */ } };
  const read = () => {
    try {
      const slot = JSON.parse(sessionStorage.getItem(SLOT));
      return slot && slot.list === listName() ? slot : null;
    } catch { return null; }
  };
  const write = (slot) => {
    if (!Object.keys(slot.ids).length) return forget();
    try { sessionStorage.setItem(SLOT, JSON.stringify(slot)); } catch { /* they last for this page only */ }
  };

  /* What this page shows as ticked is kept; answers how many were too many and are unticked again. */
  const note = (form) => {
    if (!keeps(form)) return 0;
    const slot = read() || { list: listName(), ids: {} };
    const boxes = boxesOf(form);
    for (const box of boxes) if (!box.checked) delete slot.ids[box.value];
    let room = MOST - Object.keys(slot.ids).length;
    let refused = 0;
    for (const box of boxes.filter((each) => each.checked)) {
      if (!(box.value in slot.ids) && --room < 0) {
        box.checked = false;
        refused += 1;
      } else slot.ids[box.value] = "bulkApart" in box.dataset ? 1 : 0;
      slot.name = box.name;
    }
    /* A list that says when it was read is told the first reading: what others decided since then stands. */
    const seen = form.elements.seen_at?.value;
    if (seen && (!slot.seen || seen < slot.seen)) slot.seen = seen;
    write(slot);
    return refused;
  };

  /* Once for every form that appears: it shows what was ticked before. */
  let known = new WeakSet();
  let cameBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const adopt = (form) => {
    if (!keeps(form) || known.has(form)) return;
    known.add(form);
    form.querySelectorAll("[data-bulk-away]").forEach((field) => field.remove());
    const slot = read();
    if (!slot || (slot.sent && !cameBack)) {
      forget();
    } else {
      delete slot.sent;
      write(slot);
      for (const box of boxesOf(form)) box.checked = box.value in slot.ids;
    }
    note(form);
  };

  /* Those that are ticked and not on this page, each with whether it will be left out. */
  const away = (form) => {
    const slot = keeps(form) && read();
    if (!slot) return [];
    const here = new Set(boxesOf(form).map((box) => box.value));
    return Object.entries(slot.ids).filter(([key]) => !here.has(key)).map(([key, apart]) => ({ key, apart: Boolean(apart) }));
  };

  /* They go with the form; they are forgotten then, unless the person comes straight back to choose again. */
  const send = (form) => {
    const slot = keeps(form) && read();
    if (!slot) return;
    const rest = form.querySelector("[data-bulk-all-matching]")?.value ? [] : away(form);
    for (const { key } of rest) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: slot.name, value: key });
      field.dataset.bulkAway = "";
      form.append(field);
    }
    if (rest.length && slot.seen) form.elements.seen_at.value = slot.seen;
    write({ ...slot, sent: true });
  };

  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    known = new WeakSet();
    cameBack = true;
  });
  window.ticks = { MOST, adopt, away, forget, note, send };
})();
