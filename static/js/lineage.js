/* The picture of lineage: arrow keys go from box to box, and what is looked for is marked while it is typed. */
(() => {
  "use strict";
  const all = (selector, root) => Array.from(root.querySelectorAll(selector));
  const boxOf = (node) => node.querySelector("rect");
  const x = (node) => Number(boxOf(node).getAttribute("x"));
  const y = (node) => Number(boxOf(node).getAttribute("y"));
  const nearest = (nodes, node) => nodes.reduce((best, one) => (!best || Math.abs(y(one) - y(node)) < Math.abs(y(best) - y(node)) ? one : best), null);

  const watch = (frame) => {
    if (frame.dataset.walked) return;
    frame.dataset.walked = "1";
    const nodes = all("[data-node]", frame);
    const byNumber = new Map(nodes.map((node) => [node.dataset.node, node]));
    const sources = (node) => node.dataset.sources.split(" ").map((number) => byNumber.get(number)).filter(Boolean);
    const readers = (node) => nodes.filter((one) => one.dataset.sources.split(" ").includes(node.dataset.node));
    const layer = (node) => nodes.filter((one) => x(one) === x(node)).sort((one, other) => y(one) - y(other));
    const middle = nodes.find((node) => node.hasAttribute("aria-current")) || nodes[0];
    const beside = (node, step) => layer(node)[layer(node).indexOf(node) + step];
    const WAYS = {
      ArrowLeft: (node) => nearest(sources(node), node),
      ArrowRight: (node) => nearest(readers(node), node),
      ArrowUp: (node) => beside(node, -1),
      ArrowDown: (node) => beside(node, 1),
      Home: () => middle,
      End: () => nodes[nodes.length - 1],
    };
    /* One box is reached by Tab, the others from it: a hundred stops would bar the way to what comes after. */
    let stop = null;
    const reach = (node) => {
      stop?.setAttribute("tabindex", "-1");
      stop = node;
      stop.setAttribute("tabindex", "0");
    };
    nodes.forEach((node) => node.setAttribute("tabindex", "-1"));
    reach(middle);
    frame.addEventListener("focusin", (event) => { const node = event.target.closest("[data-node]"); if (node) reach(node); });
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      const node = event.target.closest("[data-node]");
      if (!node && event.target === frame && event.key === "Enter") { event.preventDefault(); show(stop); return; }
      const way = node && WAYS[event.key];
      if (!way) return;
      event.preventDefault();
      const next = way(node);
      if (next) show(next);
    });
  };
  const show = (node) => {
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  /* Typing marks at once; Enter goes to the first one found, and again to the next. */
  const find = (box) => {
    if (box.dataset.finding) return;
    box.dataset.finding = "1";
    const nodes = all("[data-graph] [data-node]", document);
    const told = document.querySelector("[data-graph-hits]");
    let hits = nodes.filter((node) => node.classList.contains("is-found"));
    let at = -1;
    const mark = () => {
      const sought = box.value.trim().toLowerCase();
      hits = nodes.filter((node) => sought && node.dataset.name.toLowerCase().includes(sought));
      at = -1;
      nodes.forEach((node) => node.classList.toggle("is-found", hits.includes(node)));
      told.textContent = sought ? `${hits.length} of ${nodes.length} in the picture ${hits.length === 1 ? "has" : "have"} “${box.value.trim()}” in the name.${hits.length ? " Enter goes to the next." : ""}` : "";
      hits[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    };
    box.addEventListener("input", mark);
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !hits.length) return;
      event.preventDefault();
      at = (at + 1) % hits.length;
      hits[at].scrollIntoView({ block: "nearest", inline: "center" });
      nodes.forEach((node) => node.classList.toggle("is-next", node === hits[at]));
      told.textContent = `${at + 1} of ${hits.length}: ${hits[at].dataset.name}`;
    });
    hits[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const start = () => {
    document.querySelectorAll("[data-graph]").forEach(watch);
    document.querySelectorAll("[data-graph-find]").forEach(find);
  };
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSettle", start);
})();
