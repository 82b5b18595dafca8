/* Completion from the mirror and the text: tables, what WITH names, the columns of what is read, functions; after `alias.` its columns alone. */
(() => {
  "use strict";
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
      /* So that the first word does not wait for it. */
      warm() { loading ??= load(); },
      identifierRegexps: [/[\w$]/],
      triggerCharacters: ["."],
      async getCompletions(editor, session, position, prefix, done) {
        const known = await (loading ??= load());
        if (!known.tables.length) loading = null; /* asked again, should the portal have been away */
        const before = session.getLine(position.row).slice(0, position.column - prefix.length);
        const owner = /([\w$]+(?:\.[\w$]+)*)`?\.$/.exec(before)?.[1];
        const text = session.getValue();
        const query = window.sqlSources(text);
        const plain = (name) => known.words(name).map((word) => word.value);
        const wordsOf = (read) => {
          if (!read.body && !query.isNamed(read.name)) return known.words(read.name);
          const meta = read.name || read.alias || "query";
          return query.columns(read, plain).map((value) => ({ caption: value, value, meta, score: 750 }));
        };
        if (owner) {
          const of = known.sources.has(owner) && !query.isNamed(owner) ? null : query.standsFor(owner, session.doc.positionToIndex(position));
          const read = of || { name: owner };
          if (read.name) await whole(known, read.name);
          done(null, wordsOf(read));
          return;
        }
        const columns = new Map();
        for (const read of query.reads) for (const word of wordsOf(read)) columns.set(word.value, word);
        const named = query.names.map((value) => ({ caption: value, value, meta: "in this query", score: 950 }));
        done(null, [...named, ...known.tables, ...columns.values(), ...known.functions]);
      },
    };
  };
})();
