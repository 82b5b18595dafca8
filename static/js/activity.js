/* The inbox by keyboard: the pane follows j and k, Enter goes into it, and after a click the next entry comes. */
(() => {
  "use strict";
  const list = () => document.querySelector(".inbox-list");
  const links = () => Array.from(document.querySelectorAll(".inbox-list [data-entry]"));
  const paneOf = () => document.getElementById("reading-pane");
  const WAIT_MS = 140;
  let timer = null;
  let wantsPane = false;

  /* Whoever chooses an entry does not get the first one instead, a moment later. */
  const stopFollowing = () => document.querySelector("[data-follows]")?.remove();
  const wake = () => {
    if (paneOf()) paneOf().inert = false;
  };
  const mark = (link) => {
    document.querySelectorAll(".inbox-list .is-current").forEach((row) => row.classList.remove("is-current"));
    link.closest("tr").classList.add("is-current");
  };
  const neighbour = (key) => {
    const keys = links().map((link) => link.dataset.entry);
    const at = keys.indexOf(key);
    return at < 0 ? keys[0] || "" : keys[at + 1] || keys[at - 1] || "";
  };
  const setNext = () => {
    const pane = paneOf();
    const field = pane && pane.querySelector("[data-next]");
    if (field && list()) field.value = neighbour(pane.dataset.entry);
  };

  document.addEventListener("click", (event) => {
    const fold = event.target.closest(".inbox-list [data-fold]");
    if (fold) {
      event.preventDefault();
      const body = fold.closest("tbody");
      fold.setAttribute("aria-expanded", String(body.classList.toggle("is-open")));
      return;
    }
    const link = event.target.closest(".inbox-list [data-entry]");
    if (!link) return;
    stopFollowing();
    mark(link);
  });
  document.addEventListener("keydown", (event) => {
    if (!list() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const link = event.key === "Enter" && event.target.closest(".inbox-list [data-entry]");
    if (link) {
      clearTimeout(timer);
      wantsPane = link.dataset.entry !== paneOf()?.dataset.entry;
      if (!wantsPane) {  // it is there already: asking for it once more would take the focus away again
        event.preventDefault();
        stopFollowing();
        wake();
        paneOf().focus();
      }
    }
    if (event.key !== "j" && event.key !== "k") return;
    stopFollowing();
    clearTimeout(timer);
    timer = setTimeout(() => {
      const link = document.querySelector(".inbox-list .is-current [data-entry]");
      if (link && link.dataset.entry !== paneOf()?.dataset.entry) link.click();
      else wake();
    }, WAIT_MS);
  });
  /* A menu that a key opens takes the focus, so that the next key chooses. */
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".inbox-actions details.menu") && event.target.open) {
      event.target.querySelector(".menu-list :is(input, textarea, button)")?.focus();
    }
  }, true);
  /* While somebody types, the list comes without a pane: the one that is there stays, to be read and for nothing else,
     until the next one has come. */
  let staying = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "inbox") staying = paneOf();
  });
  document.addEventListener("htmx:afterSwap", () => {
    const place = document.querySelector("#reading-pane[data-stays]");
    if (place && staying) {
      place.replaceWith(staying);
      staying.inert = true;
    }
    staying = null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    setNext();
    if (wantsPane) paneOf()?.focus();
    wantsPane = false;
  });
  document.addEventListener("DOMContentLoaded", setNext);
})();
