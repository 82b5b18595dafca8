/* Ace over `textarea[data-sql-editor]`. The textarea stays the form's field and holds the text, a long one at most COPY_MS late. */
(() => {
  "use strict";
  const VALIDATE_MS = 600;
  const CONTEXT = 200000; /* characters; longer text is not sent for checking while typing */
  const LONG = 1500; /* lines; copying a longer text at every key would be felt */
  const COPY_MS = 300;
  const script = document.currentScript;
  const base = script.dataset.editorFiles.replace(/\/ace(\.[0-9a-f]+)?\.js$/, "");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : systemDark.matches;
  };
  const themeName = () => (isDark() ? "ace/theme/one_dark" : "ace/theme/github_light_default");

  /* What the server says about the text, as marks in the gutter and one line below. */
  const checker = (area, session, place, found) => {
    let timer = 0;
    let latest = 0;
    const say = (kind, text) => {
      place.className = `editor-problems ${kind}`;
      const words = document.createElement("span");
      words.textContent = text;
      place.replaceChildren(...(kind ? [window.portal.svg(kind === "is-ok" ? "check" : "alert")] : []), words);
    };
    const MARKS = { warning: "warning", note: "info" };
    const mark = (error) => ({ row: Math.max(0, (error.line || 1) - 1), column: Math.max(0, (error.column || 1) - 1), text: String(error.message), type: MARKS[error.level] || "error" });
    const show = (errors, lint, asked, whyNot) => {
      /* What is exempt stays to be seen, and weighs nothing any more. */
      const isExempt = (one) => one.exemption && one.exemption.counts;
      const weighed = lint.map((one) => ({ ...one, message: `${one.message} (${one.rule}${isExempt(one) ? ", exempt" : ""})`, level: isExempt(one) ? "note" : one.level }));
      session.setAnnotations([...errors, ...weighed].map(mark));
      const first = errors[0] || weighed.find((one) => one.level === "error");
      const loud = weighed.filter((one) => one.level === "warning").length;
      if (!first && loud) { say("", `${loud} warning${loud > 1 ? "s" : ""}: see below`); return; }
      if (!first) { say("is-ok", asked ? "No problem found, nor by PostHog" : `No problem found${whyNot ? `. ${whyNot}` : ""}`); return; }
      say("is-bad", `${first.line ? `Line ${first.line}: ` : ""}${first.message}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""}`);
    };
    /* The server's own markup, every text in it escaped there. */
    const list = (markup) => { if (found) found.innerHTML = markup || ""; };
    const check = async () => {
      const mine = ++latest;
      const text = area.value;
      if (!text.trim()) { session.clearAnnotations(); list(""); say("", ""); return; }
      if (text.length > CONTEXT) { session.clearAnnotations(); list(""); say("", "Too long to check while typing"); return; }
      const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
      const form = area.form ? new FormData(area.form) : new FormData();
      form.delete("csrfmiddlewaretoken");
      form.set("query", text);
      try {
        const answer = await fetch(area.dataset.validateUrl, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, body: new URLSearchParams(form) });
        if (!answer.ok || answer.redirected) throw new Error("no verdict");
        const data = await answer.json();
        if (mine !== latest) return;
        show(data.errors || [], data.lint || [], data.asked, data.why_not);
        list(data.findings);
        if (data.again_in) { clearTimeout(timer); timer = setTimeout(check, data.again_in * 1000); }
      } catch {
        if (mine === latest) { session.clearAnnotations(); say("", "Not checked: the portal did not answer"); }
      }
    };
    return () => { clearTimeout(timer); timer = setTimeout(check, VALIDATE_MS); };
  };

  /* The text laid out anew by the server, which gives it only where it means the same; one step back undoes it. */
  const formatter = (area, editor) => {
    const button = area.form?.querySelector("[data-format]");
    if (!button) return;
    let isWaiting = false;
    const format = async () => {
      if (isWaiting) return;
      isWaiting = true;
      const text = area.value;
      const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
      try {
        const answer = await fetch(button.dataset.format, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, body: new URLSearchParams({ query: text }) });
        const data = await answer.json();
        if (!answer.ok || typeof data.query !== "string") throw new Error(data.message || data.detail);
        if (area.value !== text) { window.portal.toast("The text changed meanwhile, so it was not formatted.", "info"); return; }
        if (data.query === text.replace(/\r\n/g, "\n")) { window.portal.toast("The text is in this layout already.", "info"); return; }
        const row = editor.getCursorPosition().row;
        editor.session.doc.setValue(data.query);
        editor.gotoLine(Math.min(row, editor.session.getLength() - 1) + 1, 0, false);
        editor.focus();
      } catch (error) {
        const said = error instanceof Error && !(error instanceof TypeError) && !(error instanceof SyntaxError) && error.message;
        window.portal.toast(said || "Not formatted: the portal did not answer. Your text is as it was.", "error");
      } finally {
        isWaiting = false;
      }
    };
    button.addEventListener("click", (event) => { event.preventDefault(); format(); });
    editor.commands.addCommand({ name: "format", bindKey: { win: "Shift-Alt-F", mac: "Shift-Option-F" }, exec: format });
  };

  const frame = (area) => {
    const box = document.createElement("div");
    box.className = "editor";
    const place = document.createElement("div");
    place.className = "editor-area";
    const foot = document.createElement("div");
    foot.className = "editor-foot";
    const problems = document.createElement("span");
    problems.className = "editor-problems";
    problems.setAttribute("role", "status");
    const cursor = document.createElement("span");
    cursor.className = "end num";
    const keys = document.createElement("button");
    keys.type = "button";
    keys.className = "btn btn-small btn-ghost";
    keys.dataset.keysOpen = "";
    keys.textContent = "Keys";
    foot.append(problems, cursor, keys);
    box.append(place, foot);
    area.after(box);
    return { box, place, problems, cursor };
  };

  const enhance = (area) => {
    if (area.dataset.enhanced) return;
    area.dataset.enhanced = "1";
    const { box, place, problems, cursor } = frame(area);
    const editor = window.ace.edit(place, { mode: "ace/mode/hogql", theme: themeName(), useWorker: false, showPrintMargin: false, tabSize: 2, useSoftTabs: true, fontSize: 13, readOnly: area.readOnly || area.disabled, wrap: false, enableBasicAutocompletion: true });
    const session = editor.session;
    session.getDocument().setNewLineMode(area.dataset.newlines || "unix");
    editor.setValue(area.value, -1);
    session.getUndoManager().reset();
    editor.completers = area.dataset.completionsUrl ? [window.sqlCompleter(area.dataset.completionsUrl)] : [];
    editor.completers.forEach((completer) => editor.once("focus", () => completer.warm()));
    window.sqlOffers(editor);
    const input = editor.textInput.getElement();
    input.setAttribute("aria-label", area.dataset.label || "SQL");
    if (area.getAttribute("aria-describedby")) input.setAttribute("aria-describedby", area.getAttribute("aria-describedby"));
    area.hidden = true;
    if (area.required) { area.required = false; area.dataset.required = "1"; }
    document.querySelectorAll(`label[for="${CSS.escape(area.id)}"]`).forEach((label) => label.addEventListener("click", () => editor.focus()));

    const check = area.dataset.validateUrl ? checker(area, session, problems, area.closest(".field")?.querySelector("[data-findings]")) : () => {};
    window.sqlMarks(session);
    let mirroring = false;
    let behind = 0;
    const copy = () => {
      clearTimeout(behind);
      behind = 0;
      mirroring = true;
      area.value = editor.getValue();
      area.dispatchEvent(new Event("input", { bubbles: true }));
      mirroring = false;
      check();
    };
    const copyNow = () => { if (behind) copy(); };
    session.on("change", () => {
      if (mirroring) return;
      if (session.getLength() < LONG) { copy(); return; }
      behind ||= setTimeout(copy, COPY_MS);
    });
    editor.on("blur", copyNow);
    area.form?.addEventListener("submit", copyNow, true);
    window.addEventListener("pagehide", copyNow, true);
    document.addEventListener("visibilitychange", copyNow, true);
    area.addEventListener("draft:restored", () => { mirroring = true; editor.setValue(area.value, -1); mirroring = false; check(); });
    area.form?.addEventListener("reset", () => setTimeout(() => editor.setValue(area.value, -1)));
    const tell = () => {
      const at = editor.getCursorPosition();
      cursor.textContent = `Line ${at.row + 1}, column ${at.column + 1}`;
    };
    editor.selection.on("changeCursor", tell);
    tell();
    editor.commands.addCommand({ name: "submit", bindKey: { win: "Ctrl-Enter", mac: "Command-Enter" }, exec: () => area.form?.requestSubmit() });
    /* Tab must not trap the keyboard: Escape, then Tab leaves the editor. */
    editor.commands.addCommand({ name: "leave", bindKey: "Escape", exec: () => { editor.blur(); box.tabIndex = -1; box.focus(); } });
    formatter(area, editor);
    const repaint = () => editor.setTheme(themeName());
    document.addEventListener("wa:theme", repaint);
    systemDark.addEventListener("change", repaint);
    check();
  };

  const start = () => {
    if (!window.ace) return;
    window.ace.config.set("useStrictCSP", true);
    window.ace.config.set("loadWorkerFromBlob", false);
    window.ace.config.set("basePath", base);
    document.querySelectorAll("textarea[data-sql-editor]").forEach(enhance);
  };
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSettle", start);
})();
