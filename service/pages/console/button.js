// Buttons that do something in the page; what sends a form is the form's own.

import { element } from "../common/dom.js";

/**
 * @param {string} label
 * @param {() => void} act
 * @param {string} [kind] `primary`, `danger`, `plain`
 * @param {Record<string, string | boolean>} [attributes]
 */
export function button(label, act, kind = "", attributes = {}) {
  const made = { type: "button", class: `button ${kind}`.trim(), onclick: act, ...attributes };
  return element("button", made, label);
}

/**
 * Buttons of which one is pressed.
 * @template {string} Value
 * @param {string} label said aloud
 * @param {readonly [Value, string][]} options value and label
 * @param {Value} chosen
 * @param {(value: Value) => void} choose
 */
export function segments(label, options, chosen, choose) {
  const buttons = options.map(([value, name]) => {
    const press = () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === made));
      choose(value);
    };
    const made = button(name, press, "", { "aria-pressed": String(value === chosen) });
    return made;
  });
  return element("div", { class: "segments", role: "group", "aria-label": label }, ...buttons);
}
