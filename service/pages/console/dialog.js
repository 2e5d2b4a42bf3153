// Questions in the browser's own dialog, which keeps the focus and gives it back.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { attemptForm } from "./problem.js";

/** @typedef {import("./context.js").Context} Context */

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {(Node | string)[]} content
 * @property {string} action the word on the button
 * @property {boolean} [danger]
 * @property {Record<string, string>} [ids] of fields, by their names in the call
 * @property {(form: HTMLFormElement) => boolean} [isComplete] shows what is missing itself
 * @property {(form: HTMLFormElement) => Promise<void>} submit
 */

/**
 * Asks, and does what was asked when it is confirmed; what fails is shown in the dialog.
 * @param {Context} context
 * @param {Question} question
 * @returns {Promise<boolean>} whether it was done
 */
export function ask(context, question) {
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" });
  const form = formOf(context, question, () => dialog.close());
  dialog.append(form);
  document.body.append(dialog);
  let done = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (question.isComplete && !question.isComplete(form)) return;
    void attemptForm(context, form, question.ids ?? {}, () => question.submit(form)).then((went) => {
      done = went;
      if (went) dialog.close();
    });
  });
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
}

/**
 * @param {Context} context
 * @param {Question} question
 * @param {() => void} close
 */
function formOf({ texts }, { title, content, action, danger }, close) {
  const confirm = element("button", { class: `button ${danger ? "danger solid" : "primary"}` }, action);
  return element(
    "form",
    { novalidate: true },
    element("h2", { id: "dialog-title" }, title),
    ...content,
    element("div", { class: "actions" }, confirm, button(texts.get("cancel"), close)),
  );
}
