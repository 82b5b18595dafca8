/* Runs before the first paint: theme, row height and rail as this browser remembers them. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const remembered = (key) => {
    try { return localStorage.getItem(`wa-${key}`); } catch { return null; }
  };
  const remember = (key, value) => {
    try { localStorage.setItem(`wa-${key}`, value); } catch { /* private mode: the choice lasts for this page */ }
  };
  const show = (key, value, plain) => {
    if (!value || value === plain) delete root.dataset[key];
    else root.dataset[key] = value;
  };
  const plain = { theme: "system", density: "cosy", rail: "open" };
  for (const key of Object.keys(plain)) show(key, remembered(key), plain[key]);

  const mark = () => {
    for (const key of ["theme", "density"]) {
      const now = root.dataset[key] || plain[key];
      for (const button of document.querySelectorAll(`[data-${key}-set]`)) {
        button.setAttribute("aria-pressed", String(button.getAttribute(`data-${key}-set`) === now));
      }
    }
  };
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("click", (event) => {
    for (const key of ["theme", "density"]) {
      const button = event.target.closest(`[data-${key}-set]`);
      if (!button) continue;
      const value = button.getAttribute(`data-${key}-set`);
      show(key, value, plain[key]);
      remember(key, value);
      mark();
      document.dispatchEvent(new CustomEvent(`wa:${key}`));
    }
    if (event.target.closest("[data-rail-toggle]")) {
      const value = root.dataset.rail === "collapsed" ? "open" : "collapsed";
      show("rail", value, plain.rail);
      remember("rail", value);
    }
  });
})();
