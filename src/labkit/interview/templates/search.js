"use strict";
// What pages with a search share; other scripts of such a page come after it.
const at = (css, root = document) => root.querySelector(css);
const all = (css, root = document) => [...root.querySelectorAll(css)];

const wordsOf = (text) => text.toLowerCase().split(/\s+/);
const hasAll = (text, words) => words.every((word) => text.includes(word));

/** Whether a key is meant for the page. Typing is not; Escape ends it. */
const isCommand = (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && typing) {
    event.preventDefault(); // it would empty the search without telling the list
    event.target.blur();
  }
  return !(typing || event.ctrlKey || event.metaKey || event.altKey);
};
