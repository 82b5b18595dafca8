/* Completion from the mirror and the text: tables, what WITH names, the columns of what is read, functions, keywords; after `alias.` its columns alone. */
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
    /* What follows a dot in names that have dots themselves. */
    const under = (owner) => tables.filter(({ value }) => value.startsWith(`${owner}.`)).map((table) => ({ ...table, value: table.value.slice(owner.length + 1) }));
    return { sources, words, add, tables, functions, under };
  };

  const keyword = (value) => ({ caption: value, value, meta: "keyword", score: 600, anyCase: true });
  const upper = (window.sqlKeywords || []).map((word) => keyword(word.toUpperCase()));
  const lower = (window.sqlKeywords || []).map((word) => keyword(word));
  /* In the case in which it was begun. */
  const keywords = (prefix) => (/[a-z]/.test(prefix[0] || "") ? lower : upper);

  /* What a line means depends on those above, which Ace reads only some time after they were pasted. */
  const readTo = (row, { bgTokenizer }) => {
    for (let at = bgTokenizer.currentLine; at < row; at += 1) bgTokenizer.$tokenizeRow(at);
  };
  const SILENT = /^(?:comment|string|constant\.language\.escape|constant\.numeric)/;
  /* Texts, comments and numbers name nothing. */
  const isSilent = (session, { row, column }, prefix) => {
    readTo(row, session);
    return /^\d/.test(prefix) || SILENT.test(session.getTokenAt(row, column)?.type || "");
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
      async getCompletions(editor, session, position, prefix, done) {
        if (isSilent(session, position, prefix)) { done(null, []); return; }
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
          const isAlias = of && (of.body || of.alias === owner);
          done(null, isAlias ? wordsOf(read) : [...wordsOf(read), ...known.under(owner)]);
          return;
        }
        const columns = new Map();
        for (const read of query.reads) for (const word of wordsOf(read)) columns.set(word.value, word);
        const named = query.names.map((value) => ({ caption: value, value, meta: "in this query", score: 950 }));
        done(null, [...named, ...known.tables, ...columns.values(), ...keywords(prefix), ...known.functions]);
      },
    };
  };
})();
