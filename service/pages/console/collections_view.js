// Collections: which there are, what each is set to; one is made here.

import { ApiError, isName } from "../common/api.js";
import { element } from "../common/dom.js";
import { button } from "./button.js";
import { showCollection } from "./collection_form.js";
import { ask } from "./dialog.js";
import { showErrors, textField, valueIn } from "./fields.js";
import { attempt } from "./problem.js";
import { strangerTag } from "./stranger_panel.js";
import { rateText } from "./strangers.js";
import { table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */

const MOST_LETTERS = 64;
/* Of a collection's name. */

/** @type {import("./context.js").View} */
export async function showCollections(context, place, isFresh = false) {
  const { texts } = context;
  const title = element("h1", { tabindex: "-1" }, texts.get("collections.title"));
  const shown = element("div", { class: "stack" });
  place.replaceChildren(title, element("p", { class: "lead" }, texts.get("collections.lead")), shown);
  await attempt(context, place, async () => {
    if (!isFresh) await context.readCollections();
    shown.replaceChildren(listOf(context, place), ...(context.isUnbound ? [makeButton(context, place)] : []));
  });
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 */
function listOf(context, place) {
  const { texts, formats } = context;
  const rows = context.collections.map((one) => [
    openButton(context, place, one),
    formats.whole(one.templates),
    texts.get(`policy.${one.duplicatePolicy}`),
    one.duplicateProfile,
    `${rateText(context, one.expectedFalseCandidates)} / ${formats.rate(one.maxFalseCandidates)}`,
    strangerTag(texts, one),
    texts.get(`liveness.${one.requireLiveness}`),
    one.retentionDays === null
      ? texts.get("retention.none")
      : texts.get("retention.days", { days: one.retentionDays }),
  ]);
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("collection") },
    { title: texts.get("people"), kind: number },
    { title: texts.get("collections.duplicates") },
    { title: texts.get("collections.profile") },
    { title: texts.get("collections.expected"), kind: number },
    { title: texts.get("strangers") },
    { title: texts.get("collections.liveness") },
    { title: texts.get("collections.retention") },
  ];
  return table(texts.get("collections.title"), columns, rows, texts.get("collections.none"));
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Collection} one
 */
function openButton(context, place, one) {
  const open = () => {
    context.choose(one.collection);
    showCollection(context, place, one, () => void back(context, place));
  };
  return element("button", { type: "button", class: "link", onclick: open }, one.collection);
}

/**
 * The list again, its title in focus.
 * @param {Context} context
 * @param {HTMLElement} place
 */
async function back(context, place) {
  await showCollections(context, place);
  place.querySelector("h1")?.focus();
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 */
function makeButton(context, place) {
  const { texts } = context;
  const make = async () => {
    const made = await makeCollection(context);
    if (!made) return;
    context.say(texts.get("collections.made", { collection: made.collection }));
    context.choose(made.collection);
    showCollection(context, place, made, () => void back(context, place));
  };
  return button(texts.get("collections.make"), () => void make(), "primary");
}

/**
 * @param {Context} context
 * @returns {Promise<Collection | null>} null where none was made
 */
async function makeCollection(context) {
  const { texts } = context;
  const id = "collection-name";
  let name = "";
  /** @type {Collection | null} */
  let made = null;
  await ask(context, {
    title: texts.get("collections.make"),
    content: [
      textField(id, texts.get("collections.name"), texts.get("collections.name.hint"), { maxlength: MOST_LETTERS }),
    ],
    action: texts.get("collections.make"),
    ids: { collection: id, collection_exists: id },
    isComplete: (form) => {
      name = valueIn(form, id);
      const problem = nameProblem(context, name);
      if (problem) showErrors(form, texts.get("form.problem"), [{ id, message: texts.get(problem) }]);
      return !problem;
    },
    submit: async () => {
      await context.readCollections(); // somebody else may have made it since the page read them
      const problem = nameProblem(context, name);
      if (problem)
        throw new ApiError(409, {
          code: "collection_exists",
          title: texts.get("form.problem"),
          detail: texts.get(problem),
        });
      made = await context.calls.createCollection(name, {});
      context.keep(made);
    },
  });
  return made;
}

/**
 * PUT would set an existing collection to its defaults, so its name is refused here.
 * @param {Context} context
 * @param {string} name
 * @returns {string} the text's key; "" where there is no problem
 */
function nameProblem({ collections }, name) {
  if (!isName(name, MOST_LETTERS)) return "collections.name.problem";
  return collections.some((one) => one.collection === name) ? "collections.name.taken" : "";
}
