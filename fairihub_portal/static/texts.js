/** The words of the scripts in the language of the page; the English words are the keys. */

const words = JSON.parse(document.body.dataset.words || "{}");

/** `text` translated, with each `%(name)s` replaced by the value of that name. */
export function _(text, values = {}) {
  return (words[text] || text).replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}

/** “4 minutes”, in the language of the page. */
export function counted(number, unit) {
  const language = document.documentElement.lang;
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(number);
}
