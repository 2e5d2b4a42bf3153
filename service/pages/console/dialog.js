// Questions in the browser's own dialog, which keeps the focus and gives it back.

import { element } from "../common/dom.js";
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
  const cancel = element("button", { type: "button", class: "button", onclick: () => dialog.close() });
  cancel.textContent = context.texts.get("cancel");
  const confirm = element("button", { class: `button ${question.danger ? "danger solid" : "primary"}` });
  confirm.textContent = question.action;
  const form = element(
    "form",
    { novalidate: true },
    element("h2", { id: "dialog-title" }, question.title),
    ...question.content,
    element("div", { class: "actions" }, confirm, cancel),
  );
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let done = false;
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void submitted().then((went) => {
        done = went;
        if (went) dialog.close();
      });
    });
    const submitted = async () => {
      if (question.isComplete && !question.isComplete(form)) return false;
      return attemptForm(context, form, question.ids ?? {}, () => question.submit(form));
    };
    dialog.showModal();
  });
}
