// A call that came to nothing, as a panel: what happened, what to do, and a way to try once more.

import { ApiError, NOT_OURS, UNREACHABLE } from "../common/api.js";
import { element } from "../common/dom.js";
import { button } from "./button.js";
import { showErrors } from "./fields.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("../common/texts.js").Texts} Texts */

/** Codes for which the page knows better than the answer what an operator can do. */
const KNOWN = new Set([
  UNREACHABLE,
  NOT_OURS,
  "unauthenticated",
  "not_allowed",
  "overloaded",
  "rate_limited",
]);

/**
 * @param {Texts} texts
 * @param {ApiError} error
 * @returns {{title: string, detail: string}}
 */
export function wordsOf(texts, error) {
  if (!KNOWN.has(error.code)) {
    return { title: error.title || error.code, detail: error.detail };
  }
  const seconds = Math.max(1, Math.ceil(error.retryAfter));
  return {
    title: texts.get(`problem.${error.code}.title`),
    detail: texts.get(`problem.${error.code}.detail`, { seconds }),
  };
}

/**
 * @param {Texts} texts
 * @param {ApiError} error
 * @param {() => void} [again]
 * @returns {HTMLElement}
 */
export function problemPanel(texts, error, again) {
  const { title, detail } = wordsOf(texts, error);
  const panel = element(
    "div",
    { class: `panel problem ${error.isBusy ? "busy" : ""}`, role: "alert", tabindex: "-1" },
    element("h2", {}, title),
    element("p", {}, detail),
  );
  const particulars = error.errors.map((one) => one.message).filter(Boolean);
  if (particulars.length) {
    panel.append(element("ul", {}, ...particulars.map((one) => element("li", {}, String(one)))));
  }
  panel.append(codeOf(texts, error));
  if (again) panel.append(button(texts.get("again"), again));
  return panel;
}

/**
 * For whoever looks it up in the log or in docs/errors.md.
 * @param {Texts} texts
 * @param {ApiError} error
 */
function codeOf(texts, error) {
  const request = error.requestId ? ` · ${texts.get("problem.request", { id: error.requestId })}` : "";
  return element("p", { class: "code" }, `${error.code}${request}`);
}

/**
 * Runs what a button or a page asks for. What fails is shown at the top of the place and takes the focus.
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {() => Promise<void>} work
 * @param {{mayRepeat?: boolean, takesFocus?: boolean}} [how] whether the panel offers to try once more; whether
 *   somebody did something, or the page by itself, which leaves the focus where it is
 */
export async function attempt(context, place, work, { mayRepeat = true, takesFocus = true } = {}) {
  const before = place.querySelector(":scope > .panel.problem");
  const removed = () => {
    const hadFocus = before?.contains(document.activeElement);
    before?.remove();
    return hadFocus;
  };
  try {
    await work();
    if (removed()) place.querySelector("h1")?.focus();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const hadFocus = removed();
    const again = mayRepeat ? () => void attempt(context, place, work) : undefined;
    const panel = problemPanel(context.texts, error, again);
    const title = place.querySelector(":scope > h1, :scope > .title");
    if (title) title.after(panel);
    else place.prepend(panel);
    if (takesFocus || hadFocus) panel.focus();
  }
}

/**
 * The same for a form: what the service says about a field stands at the field of this id.
 * @param {{texts: Texts}} context
 * @param {HTMLElement} form
 * @param {Record<string, string>} ids ids of fields by the names in the call
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} whether it went well
 */
export async function attemptForm({ texts }, form, ids, work) {
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showErrors(form, wordsOf(texts, error).title, formErrors(texts, error, ids));
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/**
 * @param {Texts} texts
 * @param {ApiError} error
 * @param {Record<string, string>} ids
 */
function formErrors(texts, error, ids) {
  const found = error.errors
    .filter((one) => typeof one.message === "string")
    .map((one) => ({ id: idOf(String(one.field ?? ""), ids), message: String(one.message) }));
  return found.length ? found : [{ id: ids[error.code] ?? "", message: wordsOf(texts, error).detail }];
}

/**
 * @param {string} name `thresholdProfiles.vip` is of the field `thresholdProfiles`
 * @param {Record<string, string>} ids
 */
function idOf(name, ids) {
  return ids[name] ?? ids[name.split(/[.[]/)[0]] ?? "";
}
