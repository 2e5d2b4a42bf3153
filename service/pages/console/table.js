// Tables whose roles are said aloud however they are laid out: on a narrow screen each row is a card.

import { element } from "../common/dom.js";

/** @typedef {{title: string, kind?: "number" | "action"}} Column */
/** @typedef {(Node | string)[][]} Rows */

/**
 * `caption` is said aloud; `rows` have a cell for each column, of which the first names the row.
 * @param {string} caption
 * @param {Column[]} columns
 * @param {Rows} rows
 * @param {string} none in place of a table without rows
 * @returns {HTMLElement}
 */
export function table(caption, columns, rows, none) {
  if (rows.length === 0) return element("p", { class: "empty" }, none);
  return element(
    "table",
    { role: "table", class: "rows" },
    element("caption", { class: "aloud" }, caption),
    element("thead", { role: "rowgroup" }, headOf(columns)),
    element("tbody", { role: "rowgroup" }, ...rows.map((cells) => rowOf(columns, cells))),
  );
}

/** @param {Column[]} columns */
function headOf(columns) {
  const cells = columns.map(({ title, kind }) => {
    const attributes = { role: "columnheader", scope: "col", class: kind ?? "" };
    return element("th", attributes, kind === "action" ? aloud(title) : title);
  });
  return element("tr", { role: "row" }, ...cells);
}

/**
 * @param {Column[]} columns
 * @param {(Node | string)[]} cells
 */
function rowOf(columns, cells) {
  const made = cells.map((cell, index) => {
    const { title, kind = "" } = columns[index];
    return index === 0
      ? element("th", { role: "rowheader", scope: "row" }, cell)
      : element("td", { role: "cell", class: kind, "data-title": kind === "action" ? "" : title }, cell);
  });
  return element("tr", { role: "row" }, ...made);
}

/**
 * A place for what is found, which takes the focus when a button in it has exchanged it, that button included.
 * @param {string} label
 */
export function results(label) {
  return element("div", { class: "stack", role: "group", "aria-label": label, tabindex: "-1" });
}

/**
 * A list of terms and what each is.
 * @param {[string, Node | string][]} entries
 */
export function facts(entries) {
  const rows = entries.map(([term, value]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, value)),
  );
  return element("dl", { class: "facts" }, ...rows);
}

/**
 * A bar beside a number that says the same.
 * @param {number} share 0 to 1
 */
export function shareBar(share) {
  const bar = element("span", { class: "share", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(share));
  return bar;
}

/** @param {string} text */
function aloud(text) {
  return element("span", { class: "aloud" }, text);
}
