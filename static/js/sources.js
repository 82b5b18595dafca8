/* What a query reads: names with their aliases, queries in parentheses, and those that WITH names; and what these give. */
(() => {
  "use strict";
  const NOT_ALIAS = /^(?:on|using|where|prewhere|join|inner|left|right|full|cross|any|all|asof|array|group|order|limit|offset|union|intersect|except|having|qualify|final|sample|settings|window|select|as)$/i;
  const NAMED = /(?:\bwith(?:\s+recursive)?|,)\s*`?([A-Za-z_$][\w$]*)`?\s*(?:\(([^()]*)\)\s*)?\bas\s*(?:(?:not\s+)?materialized\s*)?\(/gi;
  const READ = /(\bfrom|\bjoin|,)\s*(?:`?([A-Za-z_$][\w$]*(?:\.[\w$]+)*)`?(?![\w$(])|(\())/gi;
  const ALIAS = /\s*(?:\bfinal\b\s*)?(?:\bas\b\s*)?`?([A-Za-z_$][\w$]*)`?/iy;
  const AFTER_LIST = /\b(?:from|where|prewhere|group|having|order|limit|union|intersect|except|settings|window|qualify)\b/i;
  const DEEPEST = 6;

  const blank = (text) => text.replace(/[^\n]/g, " ");
  /* Strings and comments say nothing; places stay. */
  const blanked = (sql) => sql.replace(/'(?:[^'\\]|\\[\s\S]|'')*'|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, blank);

  const closing = (text, open) => {
    let depth = 0;
    for (let at = open; at < text.length; at += 1) {
      if (text[at] === "(" || text[at] === "[") depth += 1;
      else if ((text[at] === ")" || text[at] === "]") && (depth -= 1) <= 0) return at;
    }
    return text.length;
  };
  /* A text with all in parentheses blanked, the parentheses but the outer ones too. */
  const flat = (text) => {
    let depth = 0, shown = 0, result = "";
    for (const match of text.matchAll(/[()[\]]/g)) {
      const opens = match[0] === "(" || match[0] === "[";
      if (opens && (depth += 1) === 1) {
        result += text.slice(shown, match.index + 1);
        shown = match.index + 1;
      } else if (!opens && (depth -= 1) === 0) {
        result += " ".repeat(match.index - shown);
        shown = match.index;
      }
    }
    return result + (depth > 0 ? " ".repeat(text.length - shown) : text.slice(shown));
  };
  const last = (name) => name.replace(/`/g, "").split(".").pop();

  /* `text` has its strings blanked; `shallow` is where to look, the same or flat. */
  const readsOf = (text, shallow, from) => Array.from(shallow.matchAll(READ), (match) => {
    const open = match[3] ? match.index + match[0].length - 1 : -1;
    const end = open < 0 ? match.index + match[0].length : closing(text, open) + 1;
    ALIAS.lastIndex = end;
    const alias = ALIAS.exec(text)?.[1] || "";
    return {
      at: from + match.index,
      name: match[2] || "",
      body: open < 0 ? null : [from + open + 1, from + end - 1],
      alias: NOT_ALIAS.test(alias) ? "" : alias,
      unsure: match[1] === ",",
    };
  }).filter((read) => !read.name || !NOT_ALIAS.test(read.name));

  window.sqlSources = (sql) => {
    const text = blanked(sql);
    const named = new Map();
    for (const match of text.matchAll(NAMED)) {
      const open = match.index + match[0].length - 1;
      named.set(match[1], { columns: match[2]?.split(",").map((name) => last(name.trim())), body: [open + 1, closing(text, open)] });
    }
    const reads = readsOf(text, text, 0);

    /* The names of the columns that a query in the text gives; `columnsOf` knows those of views and tables. */
    const given = ([start, end], columnsOf, depth) => {
      const body = text.slice(start, end);
      const shallow = flat(body);
      const begins = /\bselect\b(?:\s+distinct\b)?/i.exec(shallow);
      if (!begins || depth > DEEPEST) return [];
      const from = begins.index + begins[0].length;
      const length = shallow.slice(from).search(AFTER_LIST);
      const list = shallow.slice(from, length < 0 ? undefined : from + length);
      const inner = readsOf(body, shallow, start);
      return list.split(",").flatMap((written) => {
        const item = written.trim();
        const alias = /(?:^|[\s)\]])as\s+`?([\w$]+)`?$/i.exec(item);
        if (alias) return [alias[1]];
        const owner = /^(?:`?([\w$]+)`?\.)?\*/.exec(item);
        if (owner) {
          const of = inner.filter((read) => !read.unsure || read.body || named.has(read.name));
          return of.filter((read) => !owner[1] || owner[1] === (read.alias || read.name)).flatMap((read) => columns(read, columnsOf, depth + 1));
        }
        return /^`?[\w$]+`?(?:\.`?[\w$]+`?)*$/.test(item) ? [last(item)] : [];
      });
    };
    const columns = (read, columnsOf, depth = 0) => {
      if (read.body) return given(read.body, columnsOf, depth);
      const own = named.get(read.name);
      if (!own) return columnsOf(read.name);
      return own.columns || given(own.body, columnsOf, depth + 1);
    };
    return {
      names: Array.from(named.keys()),
      reads,
      isNamed: (name) => named.has(name),
      columns: (read, columnsOf) => Array.from(new Set(columns(read, columnsOf))),
      /* What `owner` stands for at a place: the nearest that is called so, those after a comma only where nothing else is. */
      standsFor: (owner, at) => {
        const far = (read) => Math.abs(read.at - at) + (read.unsure ? text.length : 0);
        const called = reads.filter((read) => (read.alias || last(read.name)) === owner || read.name === owner);
        return called.reduce((best, read) => (!best || far(read) < far(best) ? read : best), null);
      },
    };
  };
})();
