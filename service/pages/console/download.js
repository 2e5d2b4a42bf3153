// What the page hands to the operator: a file, or something for the clipboard.

import { element } from "../common/dom.js";
import { button } from "./button.js";

/** @typedef {import("./context.js").Context} Context */

/**
 * Saves a JSON file where the browser saves files.
 * @param {string} name
 * @param {unknown} content
 */
export function saveJson(name, content) {
  const blob = new Blob([JSON.stringify(content, null, 2)], { type: "application/json" });
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Text to copy, with a button. Where the browser gives no clipboard (a page without TLS), the text is
 * selected instead.
 * @param {Context} context
 * @param {string} label
 * @param {string} text
 * @returns {HTMLElement}
 */
export function copyable(context, label, text) {
  const shown = element("input", { type: "text", readonly: true, value: text, "aria-label": label });
  const copy = async () => {
    shown.select();
    try {
      await navigator.clipboard.writeText(text);
      context.say(context.texts.get("copied"));
    } catch {
      context.say(context.texts.get("copy_yourself"));
    }
  };
  return element(
    "div",
    { class: "copyable" },
    shown,
    button(context.texts.get("copy"), () => void copy()),
  );
}
