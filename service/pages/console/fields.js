// Fields with their labels, hints and errors, put together as govuk-frontend does: the error stands at the
// field, and once more in a summary that takes the focus.

import { element } from "../common/dom.js";

/** @typedef {{id: string, message: string}} FieldError `id`: of the field, "" for none */
/** @typedef {Record<string, string | number | boolean>} Attributes */

/**
 * @param {string} id
 * @param {string} label
 * @param {string} hint "" for none
 * @param {HTMLElement} control its `id` is set here
 * @returns {HTMLElement}
 */
function field(id, label, hint, control) {
  control.id = id;
  control.setAttribute("name", id);
  const made = element("div", { class: "field" }, element("label", { for: id }, label));
  if (hint) {
    made.append(element("p", { class: "hint", id: `${id}-hint` }, hint));
    control.setAttribute("aria-describedby", `${id}-hint`);
  }
  made.append(control);
  return made;
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} hint
 * @param {Attributes} [attributes]
 */
export function textField(id, label, hint, attributes = {}) {
  const base = { type: "text", autocomplete: "off", spellcheck: "false", ...attributes };
  return field(id, label, hint, element("input", base));
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} hint
 * @param {[string, string][]} options value and label
 * @param {string} chosen
 */
export function selectField(id, label, hint, options, chosen) {
  const made = options.map(([value, label]) =>
    element("option", { value, selected: value === chosen }, label),
  );
  return field(id, label, hint, element("select", {}, ...made));
}

/**
 * Radio buttons or checkboxes with one question.
 * @param {string} name
 * @param {string} legend
 * @param {string} hint
 * @param {"radio" | "checkbox"} type
 * @param {{value: string, label: string, hint?: string}[]} options
 * @param {readonly string[]} chosen
 */
export function choices(name, legend, hint, type, options, chosen) {
  const made = element("fieldset", { id: name, class: "choices", tabindex: "-1" });
  made.append(element("legend", {}, legend));
  if (hint) made.append(element("p", { class: "hint", id: `${name}-hint` }, hint));
  if (hint) made.setAttribute("aria-describedby", `${name}-hint`);
  made.append(...options.map((option) => choice(name, type, option, chosen.includes(option.value))));
  return made;
}

/**
 * @param {string} name
 * @param {"radio" | "checkbox"} type
 * @param {{value: string, label: string, hint?: string}} option
 * @param {boolean} checked
 */
function choice(name, type, { value, label, hint }, checked) {
  const id = `${name}-${value}`;
  const input = element("input", {
    type,
    name,
    id,
    value,
    checked,
    "aria-describedby": !!hint && `${id}-hint`,
  });
  const made = element("div", { class: "choice" }, input, element("label", { for: id }, label));
  if (hint) made.append(element("p", { class: "hint", id: `${id}-hint` }, hint));
  return made;
}

/**
 * What is in the field, without spaces around it.
 * @param {ParentNode} form
 * @param {string} name
 * @returns {string}
 */
export function valueIn(form, name) {
  const found = form.querySelector(`[name="${name}"]`);
  const isField = found instanceof HTMLInputElement || found instanceof HTMLSelectElement;
  return isField ? found.value.trim() : "";
}

/**
 * @param {ParentNode} form
 * @param {string} name
 * @returns {string[]}
 */
export function chosenIn(form, name) {
  const checked = form.querySelectorAll(`input[name="${name}"]:checked`);
  return [...checked].map((one) => /** @type {HTMLInputElement} */ (one).value);
}

/**
 * Shows what is wrong: at each field, and in a summary at the top, which takes the focus.
 * @param {HTMLElement} form
 * @param {string} title
 * @param {FieldError[]} errors
 */
export function showErrors(form, title, errors) {
  clearErrors(form);
  const lines = errors.map(({ id, message }) => {
    const target = id ? document.getElementById(id) : null;
    return element("li", {}, target ? linkTo(target, message) : message);
  });
  for (const { id, message } of errors) markField(id, message);
  const summary = element(
    "div",
    { class: "error-summary", role: "alert", tabindex: "-1" },
    element("h3", {}, title),
    element("ul", {}, ...lines),
  );
  form.prepend(summary);
  summary.focus();
}

/**
 * Whether the name that something goes by was typed, in the field `typed`; says so where not.
 * @param {import("../common/texts.js").Texts} texts
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function isTyped(texts, form, name) {
  if (valueIn(form, "typed") === name) return true;
  const message = texts.get("confirm.problem", { name });
  showErrors(form, texts.get("form.problem"), [{ id: "typed", message }]);
  return false;
}

/** @param {HTMLElement} form */
export function clearErrors(form) {
  for (const old of form.querySelectorAll(".error-summary, .field-error")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const described = (field.getAttribute("aria-describedby") ?? "").split(" ");
    const kept = described.filter((id) => id !== `${field.id}-error`).join(" ");
    if (kept) field.setAttribute("aria-describedby", kept);
    else field.removeAttribute("aria-describedby");
  }
}

/**
 * @param {string} id
 * @param {string} message
 */
function markField(id, message) {
  const target = id ? document.getElementById(id) : null;
  if (target === null) return;
  const described = target.getAttribute("aria-describedby");
  target.setAttribute("aria-invalid", "true");
  target.setAttribute("aria-describedby", [described, `${id}-error`].filter(Boolean).join(" "));
  const said = element("p", { class: "field-error", id: `${id}-error` }, message);
  if (target instanceof HTMLFieldSetElement) target.querySelector("legend")?.after(said);
  else target.before(said);
}

/**
 * The browser would write the id into the address, which says here where we are.
 * @param {HTMLElement} target
 * @param {string} message
 */
function linkTo(target, message) {
  const follow = (/** @type {Event} */ event) => {
    event.preventDefault();
    target.focus();
  };
  return element("a", { href: `#${target.id}`, onclick: follow }, message);
}
