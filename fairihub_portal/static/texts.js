/** The words of the scripts in the language of the page; the English words are the keys. */

const words = JSON.parse(document.body.dataset.words || "{}");

/** `text` translated, with each `%(name)s` replaced by the value of that name. */
export function _(text, values = {}) {
  return (words[text] || text).replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}
