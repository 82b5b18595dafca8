/* Completion from the mirror: tables, the columns of those that the text reads, functions; after `alias.` its columns alone. */
(() => {
  "use strict";
  const NAME = "`?([\\w$]+(?:\\.[\\w$]+)*)`?";
  const NOT_ALIAS = /^(?:on|using|where|prewhere|join|inner|left|right|full|cross|any|all|asof|array|group|order|limit|union|having|final|sample|settings|window|as)$/i;

  /* What `owner` stands for at a place in the text: the nearest `from name owner` before it or after it. */
  const sourceOf = (text, at, owner) => {
    const safe = owner.replace(/[$.]/g, "\\$&");
    const pattern = new RegExp(`\\b(?:from|join)\\s+${NAME}(?:\\s+final)?\\s+(?:as\\s+)?\`?${safe}\`?(?![\\w$])`, "gi");
    let best = null;
    if (!NOT_ALIAS.test(owner)) {
      for (const match of text.matchAll(pattern)) {
        if (!best || Math.abs(match.index - at) < Math.abs(best.index - at)) best = match;
      }
    }
    return best ? best[1] : owner;
  };
  const sourcesIn = (text) => new Set(Array.from(text.matchAll(new RegExp(`\\b(?:from|join)\\s+${NAME}`, "gi")), (match) => match[1]));

  const indexed = (data) => {
    const types = data.types || [];
    const sources = new Map((data.tables || []).map((table) => [table.name, table]));
    const words = (name) => {
      const table = sources.get(name);
      if (!table) return [];
      const columns = typeof table.columns === "string" ? table.columns.split(",").filter(Boolean) : table.columns || [];
      table.words ??= columns.map((value, number) => {
        const type = types[table.types?.[number]] || "";
        return { caption: value, value, meta: type ? `${name} · ${type}` : name, score: 700 };
      });
      return table.words;
    };
    const add = (more) => (more.tables || []).forEach((table) => {
      table.types = table.types?.map((number) => { const at = types.indexOf(more.types[number]); return at < 0 ? types.push(more.types[number]) - 1 : at; });
      sources.set(table.name, table);
    });
    const tables = Array.from(sources.values(), (table) => ({ caption: table.name, value: table.name, meta: table.kind || "table", score: 900 }));
    const functions = (data.functions || []).map((name) => ({ caption: name, value: name, meta: "function", score: 500 }));
    return { sources, words, add, tables, functions };
  };

  const read = async (url) => {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      return answer.ok && !answer.redirected ? await answer.json() : null;
    } catch { return null; }
  };

  window.sqlCompleter = (url) => {
    let loading = null;
    const load = async () => indexed((await read(url)) || {});
    /* What the bounds of the whole left out comes by name, once. */
    const whole = async (known, name) => {
      const table = known.sources.get(name);
      if (!table?.more) return;
      table.more = false;
      const address = new URL(url, location.href);
      address.searchParams.set("source", name);
      const more = await read(address);
      if (more) known.add(more);
    };
    return {
      identifierRegexps: [/[\w$]/],
      triggerCharacters: ["."],
      async getCompletions(editor, session, position, prefix, done) {
        const known = await (loading ??= load());
        if (!known.tables.length) loading = null; /* asked again, should the portal have been away */
        const before = session.getLine(position.row).slice(0, position.column - prefix.length);
        const owner = /([\w$]+(?:\.[\w$]+)*)`?\.$/.exec(before)?.[1];
        const text = session.getValue();
        if (owner) {
          const name = known.sources.has(owner) ? owner : sourceOf(text, session.doc.positionToIndex(position), owner);
          await whole(known, name);
          done(null, known.words(name));
          return;
        }
        const columns = new Map();
        for (const name of sourcesIn(text)) for (const word of known.words(name)) columns.set(word.value, word);
        done(null, [...known.tables, ...columns.values(), ...known.functions]);
      },
    };
  };
})();
