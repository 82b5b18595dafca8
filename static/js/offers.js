/* How the editor offers names: while somebody types nothing is chosen, so Enter stays a new line; after a dot the list begins anew. */
(() => {
  "use strict";
  if (!window.ace) return;
  const { Autocomplete, CompletionProvider, FilteredList } = window.ace.require("ace/autocomplete");
  const PART = /[_.]/;

  /* Where the letters of `typed` stand in `name`, one after the other, as bits for the popup's marks; -1 if they do not. */
  const scattered = (name, typed) => {
    let at = -1;
    let mask = 0;
    for (let number = 0; number < typed.length; number += 1) {
      const next = name.indexOf(typed[number], at + 1);
      if (next < 0) return -1;
      if (next > at + 1) mask |= 1 << number;
      at = next;
    }
    return mask;
  };
  const startsPart = (name, typed) => {
    for (let at = name.indexOf(typed, 1); at > 0; at = name.indexOf(typed, at + 1)) if (PART.test(name[at - 1])) return true;
    return false;
  };
  /* The smaller the better; nobody who just types is offered what only happens to have these letters. */
  const rank = (name, typed, isLive) => {
    if (name === typed) return 0;
    if (name.startsWith(typed)) return 1;
    if (startsPart(name, typed)) return 2;
    if (isLive) return -1;
    if (name.includes(typed)) return 3;
    return scattered(name, typed) < 0 ? -1 : 4;
  };
  const isSame = (offer, typed) => offer.value === typed || (offer.anyCase && offer.value.toLowerCase() === typed.toLowerCase());

  class Offers extends FilteredList {
    constructor(all, isLive) {
      super(all);
      this.isLive = isLive;
    }

    setFilter(typed) {
      this.filterText = typed;
      /* Whoever has typed a whole name is done with it. */
      if (this.isLive && this.all.some((offer) => isSame(offer, typed))) { this.filtered = []; return; }
      const low = typed.toLowerCase();
      const seen = new Set();
      const fitting = [];
      for (const offer of this.all) {
        const name = offer.value.toLowerCase();
        const place = rank(name, low, this.isLive);
        if (place < 0 || seen.has(offer.value)) continue;
        seen.add(offer.value);
        offer.matchMask = place === 4 ? scattered(name, low) : 0;
        fitting.push({ offer, place, exact: isSame(offer, typed) ? 1 : 0 });
      }
      fitting.sort((one, other) => other.exact - one.exact || one.place - other.place || other.offer.score - one.offer.score || one.offer.value.localeCompare(other.offer.value));
      this.filtered = fitting.map(({ offer }) => offer);
    }
  }

  class Provider extends CompletionProvider {
    constructor(initial, isLive) {
      super(initial);
      this.isLive = isLive;
    }

    provideCompletions(editor, options, done) {
      this.gatherCompletions(editor, (error, { prefix, matches, finished }) => {
        if (!this.active) return;
        this.completions = new Offers(matches, this.isLive);
        this.completions.setFilter(prefix);
        done(null, this.completions, finished);
      });
    }
  }

  class SqlAutocomplete extends Autocomplete {
    constructor() {
      super();
      /* Without a choice this too is a new line. */
      this.keyboardHandler.bindKey("Shift-Return", (editor) => editor.completer.insertMatch(null, { deleteSuffix: true }));
    }

    getCompletionProvider(initial) {
      this.completionProvider ||= new Provider(initial, this.autoShown);
      return this.completionProvider;
    }

    showWhileTyping(editor) {
      this.autoInsert = false;
      this.autoShown = true;
      this.autoSelect = false;
      this.showPopup(editor);
    }
  }

  window.sqlOffers = (editor) => {
    const list = new SqlAutocomplete();
    editor.completer = list;
    editor.commands.on("afterExec", ({ command, args }) => {
      if (command.name !== "insertstring" || typeof args !== "string") return;
      const typed = args.slice(-1);
      if (!/[\w$.]/.test(typed)) { if (list.activated) list.detach(); return; }
      if (args.length === 1 && (typed === "." || !list.activated)) list.showWhileTyping(editor); /* not for what comes in one piece, as dictated */
    });
  };
  window.sqlOffers.List = Offers;
})();
