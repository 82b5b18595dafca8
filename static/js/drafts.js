/* Local drafts of `textarea[data-draft-key]`: nothing typed is lost to an expired sign-in, a crash or a closed tab. */
(() => {
  "use strict";
  const KEEP_DAYS = 14;
  const SAVE_MS = 400;
  const PENDING = "wa-draft-pending";
  const storage = (() => {
    try { localStorage.setItem("wa-probe", "1"); localStorage.removeItem("wa-probe"); return localStorage; } catch { return null; }
  })();
  if (!storage) return;
  if (window.portal) window.portal.keepsDrafts = true;

  /* While two tabs disagree about a draft, each keeps its own text: the later one under a name beside the usual. */
  const BESIDE = ":other";
  const usualName = (area) => `wa-draft:${document.body.dataset.user || ""}:${area.dataset.draftKey}`;
  const nameOf = (area) => usualName(area) + (area.dataset.draftBeside ? BESIDE : "");
  const read = (name) => {
    try { return JSON.parse(storage.getItem(name)); } catch { return null; }
  };
  const pending = () => {
    try { return JSON.parse(sessionStorage.getItem(PENDING)) || []; } catch { return []; }
  };
  const fill = (area, text) => {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.dispatchEvent(new CustomEvent("draft:restored"));
  };
  const offered = new Set();
  const save = (area) => {
    const name = nameOf(area);
    /* What is offered stays until somebody has chosen, or typed another text. */
    if (area.value === area.defaultValue) { if (!offered.has(name)) storage.removeItem(name); return; }
    try {
      storage.setItem(name, JSON.stringify({ text: area.value, base: area.defaultValue, at: Date.now() }));
    } catch {
      window.portal?.toast("This text is too large to keep a local draft. Save it before you leave the page.", "error");
    }
  };

  const offer = (area, draft, name) => {
    offered.add(name);
    const drop = () => { offered.delete(name); storage.removeItem(name); };
    const note = document.createElement("div");
    note.className = "alert alert-info draft-offer";
    note.setAttribute("role", "status");
    const text = document.createElement("div");
    text.className = "alert-body";
    const moved = draft.base !== area.defaultValue ? " The saved text has changed since." : "";
    text.textContent = `You have an unsaved draft from ${new Date(draft.at).toLocaleString()}.${moved}`;
    const button = (label, act) => {
      const node = document.createElement("button");
      node.type = "button";
      node.className = "btn btn-small";
      node.textContent = label;
      node.addEventListener("click", () => { act(); note.remove(); });
      return node;
    };
    note.append(window.portal.svg("history"), text, button("Restore draft", () => { drop(); fill(area, draft.text); }), button("Discard", drop));
    area.closest(".field")?.insertBefore(note, area.closest(".field").querySelector("textarea, .editor")) ?? area.before(note);
  };

  const watch = (area) => {
    if (area.dataset.drafting) return;
    area.dataset.drafting = "1";
    for (const name of [usualName(area), usualName(area) + BESIDE]) {
      const draft = read(name);
      if (draft && draft.text !== area.value) offer(area, draft, name);
    }
    let timer = 0;
    const saveNow = () => { clearTimeout(timer); timer = 0; save(area); };
    area.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(saveNow, SAVE_MS); });
    window.addEventListener("pagehide", () => { if (timer) saveNow(); });
    /* The server has it, and it stands as the saved text of the page: then nothing is left to be kept here. */
    area.addEventListener("draft:saved", saveNow);
    area.form?.addEventListener("submit", () => {
      saveNow();
      const list = pending();
      list.push({ name: nameOf(area), from: location.href });
      sessionStorage.setItem(PENDING, JSON.stringify(list));
    });
  };

  /* A draft goes only when the page after the submit is neither the form again, nor a sign-in, nor an error. */
  const settle = () => {
    const list = pending();
    if (!list.length) return;
    if (document.body.dataset.page === "signin" || document.body.dataset.page === "error") {
      sessionStorage.setItem(PENDING, JSON.stringify(list.map((item) => ({ ...item, kept: true }))));
      return;
    }
    /* A field that is there again was refused, unless it comes back empty and nothing is wrong: a box for comments. */
    const isWrong = document.querySelector("main .alert-error, main .field-error") !== null;
    const isRefused = (area) => isWrong || area.defaultValue !== "";
    const refused = Array.from(document.querySelectorAll("[data-draft-key]")).filter(isRefused).map(nameOf);
    for (const item of list) {
      if (!item.kept && !refused.includes(item.name) && document.referrer === item.from.split("#")[0]) storage.removeItem(item.name);
    }
    sessionStorage.removeItem(PENDING);
  };

  const sweep = () => {
    const oldest = Date.now() - KEEP_DAYS * 86400000;
    for (const name of Object.keys(storage).filter((key) => key.startsWith("wa-draft:"))) {
      if ((read(name)?.at ?? 0) < oldest) storage.removeItem(name);
    }
  };

  const start = () => {
    for (const done of document.querySelectorAll("[data-draft-done]")) storage.removeItem(`wa-draft:${document.body.dataset.user || ""}:${done.dataset.draftDone}`);
    settle();
    sweep();
    document.querySelectorAll("textarea[data-draft-key]").forEach(watch);
  };
  document.addEventListener("DOMContentLoaded", start);
  /* A refused htmx submit leaves the text on the page: its draft must outlive the next page too. */
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) sessionStorage.removeItem(PENDING);
  });
  document.addEventListener("htmx:afterSettle", () => document.querySelectorAll("textarea[data-draft-key]").forEach(watch));
})();
