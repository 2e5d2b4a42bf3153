// What changes a person, each asked for in words that name them; a deletion is proved afterwards.

import { ApiError, isName } from "../common/api.js";
import { element } from "../common/dom.js";
import { button } from "./button.js";
import { ask } from "./dialog.js";
import { saveJson } from "./download.js";
import { choices, chosenIn, isTyped, showErrors, textField, valueIn } from "./fields.js";
import { facts } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Erasure} Erasure */

/**
 * @param {Context} context
 * @param {HTMLFormElement} form
 * @param {string} name of the field
 */
function isSubjectId({ texts }, form, name) {
  if (isName(valueIn(form, name))) return true;
  showErrors(form, texts.get("form.problem"), [{ id: name, message: texts.get("person.id.problem") }]);
  return false;
}

/**
 * @param {Context} context
 * @param {string} subjectId
 * @param {(subjectId: string) => void} show
 */
export async function renamePerson(context, subjectId, show) {
  const { texts, calls, chosen } = context;
  let to = "";
  const done = await ask(context, {
    title: texts.get("person.rename.title", { subject: subjectId }),
    content: [
      textField("to", texts.get("person.rename.to"), texts.get("person.id.hint"), { maxlength: 128 }),
    ],
    action: texts.get("person.rename"),
    ids: { to: "to", subject_exists: "to" },
    isComplete: (form) => isSubjectId(context, form, "to"),
    submit: async (form) => {
      to = valueIn(form, "to");
      await calls.rename(chosen, subjectId, to);
    },
  });
  if (!done) return;
  show(to);
  context.say(texts.get("person.renamed", { subject: subjectId, to }));
}

/**
 * Joins somebody else's enrollment to this person's. Unlike faces are refused first, and may then be forced.
 * @param {Context} context
 * @param {string} subjectId who stays
 * @param {(subjectId: string) => void} show
 * @param {string} [other] where it is known who is joined
 */
export async function mergeInto(context, subjectId, show, other = "") {
  const { texts, calls, chosen } = context;
  const force = forceChoice(context);
  const done = await ask(context, {
    title: texts.get("person.merge.title", { subject: subjectId }),
    content: mergeContent(context, subjectId, other, force),
    action: texts.get("person.merge"),
    danger: true,
    ids: { from: "from", subject_not_found: "from", subject_mismatch: "force" },
    isComplete: (form) => isSubjectId(context, form, "from"),
    submit: async (form) => {
      try {
        await calls.merge(chosen, subjectId, valueIn(form, "from"), chosenIn(form, "force").includes("yes"));
      } catch (error) {
        if (error instanceof ApiError && error.code === "subject_mismatch") force.hidden = false;
        throw error;
      }
    },
  });
  if (!done) return false;
  show(subjectId);
  context.say(texts.get("person.merged", { subject: subjectId }));
  return true;
}

/**
 * Hidden until the service has said that the faces differ.
 * @param {Context} context
 */
function forceChoice({ texts }) {
  const options = [{ value: "yes", label: texts.get("person.force.yes") }];
  const made = choices(
    "force",
    texts.get("person.force"),
    texts.get("person.force.hint"),
    "checkbox",
    options,
    [],
  );
  made.hidden = true;
  return made;
}

/**
 * @param {Context} context
 * @param {string} subjectId
 * @param {string} other
 * @param {HTMLElement} force
 */
function mergeContent({ texts }, subjectId, other, force) {
  const attributes = { value: other, maxlength: 128 };
  return [
    element("p", {}, texts.get("person.merge.effect", { subject: subjectId })),
    textField("from", texts.get("person.merge.from"), texts.get("person.merge.from.hint"), attributes),
    force,
  ];
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {string} subjectId
 * @param {() => void} back
 */
export function deletePerson(context, place, subjectId, back) {
  const erase = () => context.calls.deletePerson(context.chosen, subjectId);
  return confirmErasure(context, place, subjectId, back, "delete", erase);
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {string} subjectId
 * @param {() => void} back
 */
export function withdrawConsent(context, place, subjectId, back) {
  const erase = () => context.calls.withdrawConsent(context.chosen, subjectId);
  return confirmErasure(context, place, subjectId, back, "withdraw", erase);
}

/**
 * The operator types the person's id: a dialog that is confirmed by habit names nobody.
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {string} subjectId
 * @param {() => void} back
 * @param {"delete" | "withdraw"} what
 * @param {() => Promise<Erasure>} erase
 */
async function confirmErasure(context, place, subjectId, back, what, erase) {
  const { texts, chosen } = context;
  const words = { subject: subjectId, collection: chosen };
  /** @type {Erasure | null} */
  let erasure = null;
  await ask(context, {
    title: texts.get(`person.${what}.title`, words),
    content: [
      element("p", {}, texts.get("person.delete.effect", words)),
      textField("typed", texts.get("confirm.type", { name: subjectId }), ""),
    ],
    action: texts.get(`person.${what}.confirm`, words),
    danger: true,
    ids: { subject_not_found: "typed" },
    isComplete: (form) => isTyped(texts, form, subjectId),
    submit: async () => {
      erasure = await erase();
    },
  });
  if (erasure) await showProof(context, place, erasure, back);
}

/**
 * What the service says of a deletion, and that the person is not found any more.
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Erasure} erasure
 * @param {() => void} back
 */
async function showProof(context, place, erasure, back) {
  const { texts, formats } = context;
  const looked = await lookedUp(context, erasure);
  const title = element("h1", { tabindex: "-1" }, texts.get("proof.title", { subject: erasure.subjectId }));
  const save = () => saveJson(`${erasure.subjectId}-deletion.json`, erasure);
  const panel = element(
    "section",
    { class: "panel fine" },
    element("h2", {}, texts.get("proof.of")),
    facts([
      [texts.get("person.id"), erasure.subjectId],
      [texts.get("collection"), erasure.collection],
      [texts.get("proof.templates"), formats.whole(erasure.templatesDeleted)],
      [texts.get("proof.at"), formats.moment(erasure.deletedAt)],
      [texts.get("proof.audit"), erasure.auditId],
      [texts.get("proof.looked"), looked],
    ]),
  );
  panel.append(
    element("p", { class: "hint" }, texts.get("proof.hint")),
    element(
      "div",
      { class: "actions" },
      button(texts.get("proof.save"), save),
      button(texts.get("person.back"), back),
    ),
  );
  place.replaceChildren(title, panel);
  title.focus();
}

/**
 * @param {Context} context
 * @param {Erasure} erasure
 */
async function lookedUp({ calls, texts }, { collection, subjectId }) {
  try {
    await calls.person(collection, subjectId);
    return texts.get("proof.still");
  } catch (error) {
    const isGone = error instanceof ApiError && error.code === "subject_not_found";
    return texts.get(isGone ? "proof.gone" : "proof.unknown");
  }
}
