/* A line under the very place that is wrong; the gutter tells which row, and the sentence what. */
(() => {
  "use strict";
  const MOST = 200;

  /* From the column to the end of the word there; at the end of a line, its last character. */
  const place = (session, row, column) => {
    const line = session.getLine(row) || "";
    const from = Math.min(column, Math.max(0, line.length - 1));
    const word = /^(?:[\w$]+|\S)/.exec(line.slice(from));
    return [from, from + (word ? word[0].length : 1)];
  };

  window.sqlMarks = (session) => {
    const { Range } = window.ace.require("ace/range");
    let drawn = [];
    session.on("changeAnnotation", () => {
      drawn.forEach((id) => session.removeMarker(id));
      drawn = session.getAnnotations().filter((one) => one.row < session.getLength()).slice(0, MOST).map((one) => {
        const [from, to] = place(session, one.row, one.column || 0);
        return session.addMarker(new Range(one.row, from, one.row, to), `editor-mark is-${one.type}`, "text", false);
      });
    });
  };
})();
