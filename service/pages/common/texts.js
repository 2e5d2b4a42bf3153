// Every sentence of a page stands in its ko.js and en.js, by the same keys.

/** @typedef {import("./fragment.js").Language} Language */
/** @typedef {Readonly<Record<string, string>>} Table */

export class Texts {
  /**
   * @param {Readonly<Record<Language, Table>>} tables
   * @param {Language} language
   */
  constructor(tables, language) {
    this._tables = tables;
    this.language = language;
  }

  /**
   * The sentence of `key`, with `{name}` in it replaced by `values.name`.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   * @returns {string}
   */
  get(key, values = {}) {
    const sentence = this._tables[this.language][key];
    if (sentence === undefined) {
      throw new Error(`no text: ${key}`);
    }
    return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /**
   * @param {string} key
   * @returns {boolean}
   */
  has(key) {
    return key in this._tables[this.language];
  }

  /**
   * Fills in what the page leaves open: `data-text` is an element's text, `data-label` its name for
   * a screen reader, `data-hint` what an empty field shows.
   * @param {ParentNode} root
   */
  apply(root) {
    for (const element of root.querySelectorAll("[data-text]")) {
      element.textContent = this.get(String(element.getAttribute("data-text")));
    }
    for (const element of root.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.get(String(element.getAttribute("data-label"))));
    }
    for (const element of root.querySelectorAll("[data-hint]")) {
      element.setAttribute("placeholder", this.get(String(element.getAttribute("data-hint"))));
    }
  }
}
