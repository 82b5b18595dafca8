/* Drafts on the server, of `form[data-draft-url]`: saved while the person types. What cannot be sent, drafts.js keeps. */
(() => {
  "use strict";
  const SAVE_MS = 1500;
  const RETRY_MS = 15000;
  const KEEPALIVE = 60000; /* characters; a browser sends no more once the page has gone */
  const UNANSWERED = 4; /* what is sent while another is on its way, and again after a failure */
  const FIELDS = ["query", "reason", "name"];

  const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const kept = () => (window.portal.keepsDrafts ? "kept in this browser" : "keep this page open");
  const node = (tag, text = "", className = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  /* What was sent, and perhaps saved, without an answer that tells its version: also by the page that was here before, whose last words may arrive after this one was drawn. */
  const unansweredOf = (form) => {
    const name = `wa-draft-sent:${document.body.dataset.user || ""}:${form.dataset.draftUrl}`;
    let list = [];
    try { list = JSON.parse(sessionStorage.getItem(name)) || []; } catch { /* then only what this page sends is known */ }
    const keep = (next) => {
      list = next;
      try { list.length ? sessionStorage.setItem(name, JSON.stringify(list)) : sessionStorage.removeItem(name); } catch { /* as above */ }
    };
    const plain = (text) => (text ?? "").replaceAll("\r", "").trim();
    return {
      add: (texts) => { keep([...list, texts].slice(-UNANSWERED)); return texts; },
      /* What was sent before it was saved over, or refused. */
      drop: (upTo) => keep(list.slice(list.indexOf(upTo) + 1)),
      clear: () => keep([]),
      has: (other) => Boolean(other) && list.some((texts) => Object.entries(texts).every(([field, text]) => plain(other[field]) === plain(text))),
    };
  };

  const watch = (form) => {
    if (form.dataset.autosaving) return;
    form.dataset.autosaving = "1";
    const version = form.elements.draft;
    const areas = FIELDS.map((name) => form.elements[name]).filter(Boolean);
    const current = () => areas.map((area) => area.value);
    const same = (one, other) => one !== null && one.every((text, at) => text === other[at]);
    const place = form.querySelector("[data-draft-status]");
    let saved = form.matches("[data-draft-unsaved]") ? null : current();
    const unanswered = unansweredOf(form);
    let timer = 0;
    let sending = false;
    let stopped = false; /* until the person has chosen between two texts, or because the form is on its way */

    const tell = (icon, ...words) => {
      place.classList.toggle("is-bad", icon === "alert");
      place.setAttribute("aria-live", icon === "alert" ? "polite" : "off"); /* what goes well is not read out */
      const text = node("span");
      text.append(...words);
      if (place.textContent === text.textContent) return; /* a link in it may be under the pointer */
      place.replaceChildren(window.portal.svg(icon), text);
    };
    const signedOut = () => {
      const login = document.body.dataset.loginUrl;
      const link = node("a", "sign in again");
      link.href = `${login}?next=${encodeURIComponent(location.pathname + location.search)}`;
      if (window.portal.keepsDrafts) link.addEventListener("click", () => { form.dataset.leaving = "1"; });
      tell("alert", "Signed out: ", link, ", your text is kept");
    };

    /* The page's saved text is what the server has: leaving it needs no warning, and no copy of it is kept here. */
    const settle = (texts) => {
      saved = texts;
      areas.forEach((area, at) => {
        area.defaultValue = texts[at];
        area.dispatchEvent(new CustomEvent("draft:saved"));
      });
    };
    const accept = (answer, texts) => {
      version.value = answer.version;
      document.querySelectorAll("[data-draft-discard] [name=draft]").forEach((field) => { field.value = answer.version; });
      settle(texts);
      if (same(texts, current())) tell("check", `Draft saved ${clock(answer.saved_at)}`);
    };

    const isOwn = (other) => Boolean(other) && (String(other.version) === version.value || unanswered.has(other));
    const goOn = (other) => {
      version.value = other?.version ?? 0;
      unanswered.clear();
      saved = null;
      stopped = false;
      later(0);
    };
    const setBeside = (isBeside) => areas.forEach((area) => {
      if (isBeside) { area.dataset.draftBeside = "1"; return; }
      const before = area.defaultValue;
      area.defaultValue = area.value;
      area.dispatchEvent(new CustomEvent("draft:saved"));
      area.defaultValue = before;
      delete area.dataset.draftBeside;
    });
    const take = (other) => areas.forEach((area) => {
      area.value = other[area.name] ?? "";
      area.dispatchEvent(new CustomEvent("draft:restored"));
    });
    /* Another tab of this person was here: nothing is saved until they have chosen. */
    const choose = ({ message, other }) => {
      stopped = true;
      setBeside(true);
      tell("alert", "Not saved: choose above");
      const bar = node("div", "", "alert alert-warning");
      bar.setAttribute("role", "alert");
      const button = (label, act) => {
        const made = node("button", label, "btn btn-small");
        made.type = "button";
        made.addEventListener("click", () => { bar.remove(); setBeside(false); act(); goOn(other); });
        return made;
      };
      bar.append(window.portal.svg("alert"), node("div", message, "alert-body"), button("Keep this text", () => {}));
      if (other) {
        const shown = node("details", "", "draft-other");
        shown.append(node("summary", `The other text, saved ${clock(other.saved_at)}`), node("pre", other.query, "code-inline"));
        bar.append(button("Take the other text", () => take(other)), shown);
      }
      form.before(bar);
      bar.scrollIntoView({ block: "nearest" });
    };

    const later = (ms) => { clearTimeout(timer); timer = setTimeout(save, ms); };
    const understand = async (answer, texts, sent) => {
      if (answer.status === 401 || answer.redirected) { signedOut(); return; }
      const isOurs = answer.headers.get("Content-Type")?.startsWith("application/json");
      const told = isOurs ? await answer.json() : {};
      if (answer.ok && isOurs) { unanswered.drop(sent); accept(told, texts); }
      else if (answer.status === 409 && isOurs) { if (isOwn(told.other)) goOn(told.other); else choose(told); }
      else if (answer.status === 422) tell("alert", `Not saved: ${told.message || "the portal did not take it"}`);
      else if (answer.status === 403) { stopped = true; tell("alert", `Not saved: your session or your role changed. Reload the page; your text is ${kept()}`); }
      else if (answer.status < 500) tell("alert", `Not saved: this cannot be edited any more, ${kept()}`);
      else { tell("alert", `Not saved: the portal could not answer, ${kept()}`); later(RETRY_MS); }
    };
    async function save(isLast = false) {
      clearTimeout(timer);
      const texts = current();
      if (stopped || same(saved, texts) || (sending && !isLast)) return;
      const body = new URLSearchParams(new FormData(form));
      const keepalive = body.toString().length < KEEPALIVE;
      sending = true;
      const sent = unanswered.add(Object.fromEntries(areas.map((area) => [area.name, area.value])));
      try {
        const answer = await fetch(form.dataset.draftUrl, { method: "POST", headers: { Accept: "application/json" }, body, keepalive });
        await understand(answer, texts, sent);
      } catch {
        tell("alert", `Not saved: offline, ${kept()}`);
        later(RETRY_MS);
      }
      sending = false;
      if (!same(texts, current())) later(SAVE_MS);
    }

    form.addEventListener("input", () => {
      if (!stopped && !place.classList.contains("is-bad")) tell("clock", "Not saved yet");
      later(SAVE_MS);
    });
    form.addEventListener("focusout", (event) => { if (event.relatedTarget?.type !== "submit") save(); });
    form.addEventListener("submit", () => { clearTimeout(timer); stopped = true; });
    document.addEventListener("submit", (event) => {
      if (!event.target.matches("[data-draft-discard]")) return;
      clearTimeout(timer);
      stopped = true;
      settle(current());
    });
    window.addEventListener("pageshow", (event) => { if (event.persisted) stopped = false; });
    window.addEventListener("pagehide", () => save(true));
    window.addEventListener("online", () => save());
    if (saved === null) later(0);
    document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
    /* Who else is editing is asked for beside; its answer tells of a lost session before the next save does. */
    document.addEventListener("htmx:beforeOnLoad", (event) => {
      if (!event.target.matches("[data-while-visible]") || !event.detail.xhr.getResponseHeader("HX-Redirect")) return;
      event.preventDefault();
      signedOut();
    });
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-while-visible]")) event.preventDefault();
  });
  /* Nobody asked for these requests, so nobody is told of one that failed. */
  const hush = (event) => { if (event.target.matches?.("[data-while-visible]")) event.stopImmediatePropagation(); };
  document.addEventListener("htmx:sendError", hush, true);
  document.addEventListener("htmx:responseError", hush, true);
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-draft-url]").forEach(watch));
})();
