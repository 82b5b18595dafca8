/* HogQL for Ace, over its SQL: comments of all three kinds, texts of several lines, names in quotes, placeholders, calls. */
(() => {
  "use strict";
  if (!window.ace) return;
  const KEYWORDS = "select|distinct|from|where|prewhere|and|or|not|group|by|having|order|limit|offset|with|ties|recursive|as|case|when|then|else|end|left|right|full|inner|outer|cross|any|all|anti|semi|asof|array|global|join|on|using|union|intersect|except|asc|desc|nulls|first|last|is|in|like|ilike|between|exists|cast|interval|second|minute|hour|day|week|month|quarter|year|over|partition|rows|range|unbounded|preceding|following|current|row|window|sample|final|filter|within|qualify|cohort|date|timestamp|extract|trim|substring|try_cast|let|return|fn|for|while|if|top|totals|rollup|cube|grouping|sets|settings|pivot|unpivot|columns|exclude|replace|values|lateral|collate|both|leading|trailing|to";
  const CALLED = "if|date|timestamp|left|right|any|replace|trim|extract|substring|array|values|first|last|columns|cast";

  const CONSTANTS = "true|false|null|inf|nan";
  window.sqlKeywords = `${KEYWORDS}|${CONSTANTS}`.split("|");

  window.ace.define("ace/mode/hogql", (require, exports) => {
    const oop = require("ace/lib/oop");
    const { Mode: Sql } = require("ace/mode/sql");
    const { TextHighlightRules } = require("ace/mode/text_highlight_rules");

    const Rules = function () {
      const word = this.createKeywordMapper({ keyword: KEYWORDS, "constant.language": CONSTANTS }, "identifier", true);
      const called = new RegExp(`^(?:${CALLED})$`, "i");
      this.$rules = {
        start: [
          { token: "comment", regex: "(?:--|//|#).*$" },
          { token: "comment", regex: "/\\*", next: "comment" },
          { token: "string", regex: "[fF]?'", next: "string" },
          { token: "variable", regex: "`(?:[^`\\\\]|\\\\.)*`?" },
          { token: "variable", regex: '"(?:[^"\\\\]|\\\\.)*"?' },
          { token: "constant.numeric", regex: "(?:0[xX][0-9a-fA-F]+|\\d+(?:\\.\\d*)?(?:[eE][+-]?\\d+)?)\\b" },
          /* A name right before a bracket is called; most keywords there are not. */
          { token: (name) => (word(name) !== "keyword" || called.test(name) ? "support.function" : "keyword"), regex: "[a-zA-Z_$][\\w$]*(?=\\s*\\()" },
          { token: (name) => (name[0] === "$" ? "identifier" : word(name)), regex: "[a-zA-Z_$][\\w$]*" },
          { token: "keyword.operator", regex: "->|\\|\\||::|\\?\\.|\\?\\?|[-+*/%=<>!~^&|]+" },
          { token: "paren.lparen", regex: "[\\[({]" },
          { token: "paren.rparen", regex: "[\\])}]" },
          { token: "punctuation", regex: "[,.;:?]" },
          { token: "text", regex: "\\s+" },
        ],
        comment: [{ token: "comment", regex: "\\*/", next: "start" }, { defaultToken: "comment" }],
        string: [
          { token: "constant.language.escape", regex: "\\\\.|''" },
          { token: "string", regex: "'", next: "start" },
          { defaultToken: "string" },
        ],
      };
      this.normalizeRules();
    };
    oop.inherits(Rules, TextHighlightRules);

    const Mode = function () {
      Sql.call(this);
      this.HighlightRules = Rules;
    };
    oop.inherits(Mode, Sql);
    Mode.prototype.$id = "ace/mode/hogql";
    exports.Mode = Mode;
  });
})();
