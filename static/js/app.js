/* Small behaviours of every page. Everything here is an addition: pages work without it. */
(() => {
  "use strict";
  const on = (type, handler, options) => document.addEventListener(type, handler, options);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  const svg = (name) => {
    const space = "http://www.w3.org/2000/svg";
    const node = document.createElementNS(space, "svg");
    node.setAttribute("class", "icon");
    node.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(space, "use");
    use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
    node.append(use);
    return node;
  };

  /* Toasts: results of the person's own action; failures stay until closed. */
  const TOAST_MS = 6000;
  const arm = (toast, stays) => {
    if (toast.dataset.armed) return;
    toast.dataset.armed = "1";
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn btn-icon btn-ghost btn-small";
    close.setAttribute("aria-label", "Close");
    close.append(svg("x"));
    close.addEventListener("click", () => toast.remove());
    toast.append(close);
    if (stays) return;
    let timer = setTimeout(() => toast.remove(), TOAST_MS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), TOAST_MS); });
  };
  const toast = (message, level = "info") => {
    const place = document.getElementById("toasts");
    if (!place) return;
    const node = document.createElement("div");
    node.className = `toast toast-${level}`;
    const text = document.createElement("span");
    text.textContent = message;
    node.append(svg({ success: "check-circle", error: "alert" }[level] || "info"), text);
    place.append(node);
    arm(node, level === "error");
  };
  window.portal = { toast, svg };
  on("toast", (event) => {
    const detail = event.detail || {};
    toast(detail.message || detail.value || "", detail.level);
  });

  /* Copy */
  on("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    try {
      await navigator.clipboard.writeText(source ? source.value ?? source.textContent : button.dataset.copy);
      toast("Copied", "success");
    } catch {
      toast("The browser did not allow copying. Select the text and copy it by hand.", "error");
    }
  });

  /* Menus close on Escape and on a click elsewhere. */
  const closeMenus = (except) => all("details.menu[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  on("click", (event) => closeMenus(event.target.closest("details.menu")));
  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = all("details.menu[open], details.drawer[open]").pop();
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopImmediatePropagation();
  }, true);

  /* Dialogs */
  on("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      closeMenus();
      dialog.showModal();
      const first = dialog.querySelector("textarea, input:not([type=hidden]), select");
      if (first) first.focus();
    }
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog").close();
    if (event.target.matches("dialog.dialog")) event.target.close();
  });

  /* Times in the person's own zone */
  const localise = (root) => {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    all("select[data-browser-zone]", root).forEach((select) => {
      const untouched = select.value === "UTC" && !select.closest("form").querySelector(".has-error");
      if (untouched && Array.from(select.options).some((option) => option.value === timeZone)) select.value = timeZone;
    });
    const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    const offset = new Intl.DateTimeFormat(undefined, { timeZoneName: "longOffset" });
    all("time[data-local]", root).forEach((time) => {
      const at = new Date(time.dateTime);
      const zone = offset.formatToParts(at).find((part) => part.type === "timeZoneName");
      time.textContent = `${words.format(at)} ${zone ? zone.value : ""}`;
    });
  };
  localise(document);
  on("htmx:load", (event) => localise(event.target));

  /* A wide picture begins where the thing is that the page is about. */
  const centre = (root) => all("[data-centred]", root).forEach((frame) => {
    const current = frame.querySelector("[aria-current]");
    if (!current) return;
    const place = current.getBoundingClientRect();
    const around = frame.getBoundingClientRect();
    frame.scrollLeft += place.left + place.width / 2 - around.left - around.width / 2;
    frame.scrollTop += place.top + place.height / 2 - around.top - around.height / 2;
  });
  centre(document);
  on("htmx:load", (event) => centre(event.target));

  /* Selects that act at once */
  on("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form && !form.hasAttribute("hx-get")) form.requestSubmit();
  });

  /* One submit only, and a warning before unsaved edits are left. */
  const isDirty = (form) => Array.from(form.elements).some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return Array.from(field.options).some((option) => option.selected !== option.defaultSelected && option.defaultSelected);
    return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
  });
  const release = (form) => {
    delete form.dataset.sent;
    all("button.is-busy", form).forEach((button) => { button.disabled = false; button.classList.remove("is-busy"); });
  };
  on("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-guard]")) form.dataset.leaving = "1";
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (!button) return;
    /* Later, so that the button's own name and value are still sent. */
    setTimeout(() => { if (!event.defaultPrevented || form.matches("[hx-post]")) { button.disabled = true; button.classList.add("is-busy"); } });
  }, true);
  on("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form");
    if (form) { release(form); delete form.dataset.leaving; }
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach(release));
  window.addEventListener("beforeunload", (event) => {
    const unsaved = all("form[data-guard]").some((form) => !form.dataset.leaving && isDirty(form));
    if (unsaved) event.preventDefault();
  });

  /* Selecting rows */
  const items = (form) => all("[data-bulk-item]:not(:disabled)", form);
  const weightOf = (boxes) => boxes.reduce((sum, box) => sum + Number(box.dataset.bulkWeight || 1), 0);
  /* What a plan would send of what is ticked: not what is left alone whatever happens, nor what needs an answer first. */
  const isSent = (form) => ({ dataset }) =>
    !("bulkIdle" in dataset) && (!dataset.bulkNeeds || Boolean(form.elements[dataset.bulkNeeds]?.value));
  const refreshSending = (form, boxes, chosen) => {
    const go = form.querySelector("[data-bulk-go]");
    if (!go) return;
    const sent = weightOf(chosen.filter(isSent(form)));
    const left = weightOf(boxes) - sent;
    const say = (name, number) => all(name, form).forEach((place) => { place.textContent = number.toLocaleString("en"); });
    say("[data-bulk-sends]", sent);
    say("[data-bulk-left]", left);
    for (const note of all("[data-bulk-left-note]", form)) note.hidden = left === 0;
    for (const note of all("[data-bulk-none]", form)) note.hidden = sent > 0;
    if (!form.dataset.sent) go.disabled = sent === 0;
    for (const place of all("[data-bulk-requests]", form)) {
      const [each, most, chunk, calls] = ["each", "most", "chunk", "calls"].map((name) => Number(place.dataset[name]));
      const together = most > 1 ? Math.ceil(sent / Math.min(most, Math.max(chunk, Math.ceil(sent / calls)))) : 0;
      place.textContent = (sent * each + together).toLocaleString("en");
    }
  };
  const refreshBulk = (form) => {
    const boxes = items(form);
    const chosen = boxes.filter((box) => box.checked);
    const away = window.ticks.away(form);
    const everything = form.querySelector("[data-bulk-all-matching]");
    if (everything && chosen.length < boxes.length) everything.value = "";
    const button = form.querySelector("[data-bulk-everything]");
    const total = everything && everything.value ? Number(button.dataset.total) : weightOf(chosen) + away.length;
    for (const place of all("[data-bulk-count]", form)) place.textContent = total.toLocaleString("en");
    for (const bar of all("[data-bulk-bar]", form)) bar.hidden = chosen.length + away.length === 0;
    for (const place of all("[data-bulk-away-count]", form)) place.textContent = away.length.toLocaleString("en");
    for (const note of all("[data-bulk-away-note]", form)) note.hidden = away.length === 0 || Boolean(everything?.value);
    refreshSending(form, boxes, chosen);
    for (const typed of all("[data-bulk-guard]", form)) typed.required = total > Number(typed.dataset.bulkGuard);
    const apart = [...chosen.map((box) => "bulkApart" in box.dataset), ...away.map((one) => one.apart)].filter(Boolean).length;
    for (const note of all("[data-bulk-apart-note]", form)) {
      note.hidden = !apart;
      note.textContent = `${apart} of ${chosen.length + away.length} ${note.dataset.bulkApartNote}`;
    }
    for (const head of all("[data-bulk-group]", form)) {
      const own = items(head.closest("tbody"));
      const ticked = own.filter((box) => box.checked).length;
      head.checked = ticked > 0 && ticked === own.length;
      head.indeterminate = ticked > 0 && ticked < own.length;
    }
    if (button) button.hidden = Boolean(everything.value) || chosen.length < boxes.length || Number(button.dataset.total) <= boxes.length;
    for (const head of all("[data-bulk-all]", form)) {
      head.checked = chosen.length > 0 && chosen.length === boxes.length;
      head.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
  };
  let anchor = null;
  const selectTo = (box, form) => {
    const boxes = items(form);
    const from = boxes.indexOf(anchor);
    if (from < 0) return;
    const to = boxes.indexOf(box);
    boxes.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => { each.checked = box.checked; });
  };
  on("click", (event) => {
    const form = event.target.closest("form[data-bulk]");
    if (!form) return;
    const box = event.target.closest("[data-bulk-item]");
    if (box) {
      if (event.shiftKey) selectTo(box, form);
      anchor = box;
    } else if (event.target.closest("[data-bulk-group]")) {
      items(event.target.closest("tbody")).forEach((each) => { each.checked = event.target.checked; });
    } else if (event.target.closest("[data-bulk-all]")) {
      items(form).forEach((each) => { each.checked = event.target.checked; });
    } else if (event.target.closest("[data-bulk-everything]")) {
      form.querySelector("[data-bulk-all-matching]").value = "1";
    } else if (event.target.closest("[data-bulk-clear]")) {
      items(form).forEach((each) => { each.checked = false; });
      anchor = null;
      window.ticks.forget();
    } else return;
    const refused = window.ticks.note(form);
    if (refused) toast(`At most ${window.ticks.MOST.toLocaleString("en")} can be ticked one by one; ${refused.toLocaleString("en")} more are not. Narrow the list and select all that match.`, "error");
    refreshBulk(form);
  });
  on("change", (event) => {
    const form = event.target.matches("select") && event.target.closest("form[data-bulk]");
    if (form) refreshBulk(form);
  });
  on("submit", (event) => {
    if (!event.defaultPrevented && event.target.matches("form[data-bulk]")) window.ticks.send(event.target);
  });
  const refreshAll = () => all("form[data-bulk]").forEach((form) => {
    window.ticks.adopt(form);
    refreshBulk(form);
  });
  window.addEventListener("pageshow", refreshAll);

  /* After a swap: keep the focus, arm what came. */
  let focused = null;
  on("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const login = document.body.dataset.loginUrl;
    if (xhr?.responseURL && login && new URL(xhr.responseURL).pathname === login) {
      event.detail.shouldSwap = false;
      window.location.assign(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    const active = document.activeElement;
    focused = active && active !== document.body && event.detail.target.contains(active) ? { id: active.id, href: active.getAttribute("href"), name: active.getAttribute("name"), value: active.type === "checkbox" ? active.value : null } : null;
  });
  const refind = (wanted) => {
    if (wanted.id) return document.getElementById(wanted.id);
    if (wanted.href) return document.querySelector(`a[href="${CSS.escape(wanted.href)}"]`) || null;
    if (!wanted.name) return null;
    const rest = wanted.value === null ? "" : `[value="${CSS.escape(wanted.value)}"]`;
    return document.querySelector(`[name="${CSS.escape(wanted.name)}"]${rest}`);
  };
  on("htmx:afterSettle", () => {
    all("[data-toast]").forEach((node) => arm(node, false));
    refreshAll();
    if (focused && (!document.activeElement || document.activeElement === document.body)) {
      const again = refind(focused) || document.getElementById("main");
      if (again) again.focus({ preventScroll: true });
    }
    focused = null;
  });
  /* Search boxes and filters stand beside the list that they ask for anew: they carry along what the address says by
     then, not what it said when the page was loaded, and show that. `data-keeps` names what is left out besides; a link
     adds its `data-adds` to what the address says. */
  const APART = ["page", "entry"];
  const keepUp = () => {
    const asked = new URLSearchParams(location.search);
    APART.forEach((name) => asked.delete(name));
    all("a[data-adds]").forEach((link) => {
      link.search = new URLSearchParams([...asked, ...new URLSearchParams(link.dataset.adds)]);
    });
    all("form[data-keeps]").forEach((form) => {
      const own = Array.from(form.elements).filter((one) => one.name && one.type !== "hidden");
      const left = new Set([...form.dataset.keeps.split(" "), ...own.map((one) => one.name)]);
      all("input[type=hidden]", form).forEach((one) => one.remove());
      const kept = Array.from(asked).filter(([name]) => !left.has(name));
      form.prepend(...kept.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value })));
      if (!form.contains(document.activeElement)) own.forEach((one) => show(one, asked.get(one.name) ?? ""));
      if (form.matches(".filter")) form.classList.toggle("is-set", own.some((one) => one.value));
    });
  };
  const show = (control, value) => {
    const fits = control.options ? Array.from(control.options).some((one) => one.value === value) : control.type !== "date";
    if (fits) control.value = value;
  };
  ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore"].forEach((event) => on(event, keepUp));

  const SENTENCES = {
    403: "You may not do that, or your session changed. Reload the page and try again.",
    404: "That is no longer here. Reload the page to see what is.",
    413: "That is too large to send.",
    429: "Too many requests just now. Wait a moment and try again.",
  };
  on("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    toast(SENTENCES[status] || `The portal could not answer (${status}). Nothing on this page was changed. Try again.`, "error");
  });
  on("htmx:sendError", () => toast("The portal cannot be reached. Check the connection and try again.", "error"));

  on("DOMContentLoaded", () => {
    all("[data-toast]").forEach((node) => arm(node, false));
    refreshAll();
  });
})();
