"""How long a real browser takes to offer words: the editor's own completion and its list, without a server."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

import django_ace
from playwright.sync_api import Route, sync_playwright

STATIC = Path(__file__).parents[2] / "static"
ACE = Path(django_ace.__file__).parent / "static/django_ace/ace"
PLACE = "http://bench.invalid"
LINES, ROUNDS = 2_000, 15
MEASURE = """async ([lines, rounds]) => {
  const completer = window.sqlCompleter("/completions/");
  const first = await (await fetch("/completions/")).json();
  const names = first.tables.slice(0, 40).map((table) => table.name);
  const reads = names.map((name, number) => `JOIN ${name} AS t${number} ON 1`).join("\\n");
  const text = `SELECT\\n${"  sum(amount) AS total_amount,\\n".repeat(lines)}  t7.x\\nFROM events\\n${reads}`;
  const session = window.ace.createEditSession(text, "ace/mode/hogql");
  const offer = (line, prefix) => new Promise((done) => {
    session.doc.removeFullLines(lines + 1, lines + 1);
    session.doc.insertFullLines(lines + 1, [line]);
    const at = { row: lines + 1, column: line.length };
    const begun = performance.now();
    completer.getCompletions(null, session, at, prefix, (error, words) => {
      const list = new window.sqlOffers.List(words.slice(), true);
      list.setFilter(prefix);
      done([performance.now() - begun, list.filtered.length]);
    });
  });
  await offer("  t7.a", "a");
  const found = {};
  const tried = [["offered after an alias", "  t7.am", "am"], ["offered for a name", "  cu", "cu"]];
  for (const [what, line, prefix] of tried) {
    const taken = [];
    let count = 0;
    for (let round = 0; round < rounds; round += 1) {
      const [ms, many] = await offer(line, prefix);
      taken.push(ms);
      count = many;
    }
    if (!count) throw new Error(`nothing was ${what}`);
    found[what] = taken;
  }
  return found;
}"""


def filtered(words: str) -> dict[str, float]:
    """Seconds, in the middle of several rounds, from a key to the list that is shown, for a text of 2,000 lines."""

    def serve(route: Route) -> None:
        if route.request.url.endswith("/completions/"):
            route.fulfill(body=words, content_type="application/json")
        else:
            route.fulfill(body="<!doctype html><title>bench</title>", content_type="text/html")

    with sync_playwright() as driver:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto(PLACE)
        own = [STATIC / "js" / name for name in ("hogql-mode.js", "sources.js", "completion.js", "offers.js")]
        for script in (ACE / "ace.js", ACE / "mode-sql.js", ACE / "ext-language_tools.js", *own):
            page.add_script_tag(content=script.read_text())
        taken = page.evaluate(MEASURE, [LINES, ROUNDS])
        browser.close()
    return {what: statistics.median(all_taken) / 1000 for what, all_taken in taken.items()}
