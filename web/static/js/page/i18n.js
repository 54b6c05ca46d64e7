/** Texts in this page's language by the English ones. Loaded before any script runs. */
const address = document.documentElement.dataset.words;
const words = address ? await load(address) : {};

async function load(from) {
  try {
    return await (await fetch(from)).json();
  } catch {
    return {}; // English is better than a page that does nothing
  }
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}

export function _(text, values = {}) {
  return fill(words[text] ?? text, values);
}

/** `num` chooses the form and is a value too. Chinese has one form, kept under the singular. */
export function ngettext(singular, plural, num, values = {}) {
  return fill(words[singular] ?? (num === 1 ? singular : plural), { num, ...values });
}

export const language = document.documentElement.lang;
