// People who were enrolled although they look like somebody enrolled before, until somebody decides.

import { ApiError } from "../common/api.js";
import { element } from "../common/dom.js";
import { ask } from "./dialog.js";
import { mergeInto } from "./person_forms.js";
import { attempt } from "./problem.js";
import { facts } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Duplicate} Duplicate */
/** @typedef {import("./answers.js").Decision} Decision */
/** @typedef {"open" | "resolved"} Status */

const PAGE = 20;
const DECISIONS = /** @type {const} */ (["same_person", "different_people"]);

/** @type {import("./context.js").View} */
export async function showDuplicates(context, place) {
  const { texts } = context;
  const found = element("div", { class: "stack" });
  const buttons = /** @type {Status[]} */ (["open", "resolved"]).map((status) => {
    const show = () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === made));
      void list(context, place, found, status);
    };
    const pressed = String(status === "open");
    const made = element("button", { type: "button", class: "button", "aria-pressed": pressed, onclick: show }, texts.get(`duplicates.${status}`));
    return made;
  });
  const group = element("div", { class: "segments", role: "group", "aria-label": texts.get("duplicates.which") }, ...buttons);
  place.append(element("h1", { tabindex: "-1" }, texts.get("duplicates.title")), element("p", { class: "lead" }, texts.get("duplicates.lead")), group, found);
  await list(context, place, found, "open");
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {HTMLElement} found
 * @param {Status} status
 * @param {string} [cursor]
 */
async function list(context, place, found, status, cursor) {
  const { texts, calls, chosen } = context;
  await attempt(context, place, async () => {
    const page = await calls.duplicates(chosen, status, PAGE, cursor);
    const cards = page.duplicates.map((one) => card(context, place, one));
    const none = element("p", { class: "empty" }, texts.get(`duplicates.none.${status}`));
    const older = () => void list(context, place, found, status, page.nextCursor ?? undefined);
    const more = element("button", { type: "button", class: "button", onclick: older }, texts.get("duplicates.older"));
    found.replaceChildren(...(cards.length ? cards : [none]), ...(page.nextCursor ? [more] : []));
    context.tell(texts.get("duplicates.found", { count: cards.length }));
  });
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Duplicate} duplicate
 */
function card(context, place, duplicate) {
  const { texts, formats } = context;
  const { subjectId, duplicateOf, similarity } = duplicate;
  const sides = element("div", { class: "sides" }, side(context, "duplicates.new", subjectId), side(context, "duplicates.earlier", duplicateOf));
  const made = element("article", { class: "panel duplicate" },
    element("h2", { tabindex: "-1" }, texts.get("duplicates.pair", { one: subjectId, other: duplicateOf })),
    element("p", { class: "lead" }, texts.get("duplicates.flagged", {
      similarity: similarity === null ? texts.get("duplicates.hidden") : similarity.toFixed(2),
      at: formats.moment(duplicate.flaggedAt),
    })),
    sides);
  const isOpen = duplicate.status === "open";
  made.append(...(isOpen ? [] : [decided(context, duplicate)]), actions(context, place, duplicate, made));
  return made;
}

/**
 * What is known of one of the two; nothing is drawn of them, since no photograph is kept.
 * @param {Context} context
 * @param {string} role
 * @param {string} subjectId
 */
function side(context, role, subjectId) {
  const { texts, formats, calls, chosen } = context;
  const made = element("section", {}, element("h3", {}, texts.get(role)), element("p", { class: "id" }, subjectId));
  const fill = async () => {
    try {
      const person = await calls.person(chosen, subjectId);
      made.append(facts([
        [texts.get("person.enrolled"), formats.moment(person.enrolledAt)],
        [texts.get("person.consent"), person.consentReference ?? texts.get("none")],
        [texts.get("person.metadata"), person.metadata ? element("pre", { tabindex: "0" }, JSON.stringify(person.metadata, null, 2)) : texts.get("none")],
      ]));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      made.append(element("p", { class: "hint" }, error.title || texts.get("duplicates.unknown")));
    }
  };
  void fill();
  return made;
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Duplicate} duplicate
 * @param {HTMLElement} shown the card, exchanged once it is decided
 */
function actions(context, place, duplicate, shown) {
  const decide = (/** @type {Decision} */ decision) => attempt(context, place, async () => {
    const confirmed = await confirm(context, duplicate, decision);
    if (!confirmed) return;
    const made = card(context, place, confirmed);
    if (decision === "same_person") made.append(mergeOffer(context, confirmed));
    shown.replaceWith(made);
    made.querySelector("h2")?.focus();
    context.say(context.texts.get(`duplicates.decided.${decision}`));
  }, { mayRepeat: false });
  const left = DECISIONS.filter((decision) => decision !== duplicate.decision);
  const buttons = left.map((decision) => {
    const words = context.texts.get(duplicate.decision ? "duplicates.change" : `decision.${decision}`, { decision: context.texts.get(`decision.${decision}`) });
    return element("button", { type: "button", class: "button", onclick: () => void decide(decision) }, words);
  });
  return element("div", { class: "actions" }, ...buttons);
}

/**
 * @param {Context} context
 * @param {Duplicate} duplicate
 * @param {Decision} decision
 * @returns {Promise<Duplicate | null>} as decided
 */
async function confirm(context, duplicate, decision) {
  const { texts } = context;
  /** @type {Duplicate | null} */
  let decided = null;
  await ask(context, {
    title: texts.get(`decision.${decision}.title`, { one: duplicate.subjectId, other: duplicate.duplicateOf }),
    content: [element("p", {}, texts.get(`decision.${decision}.effect`))],
    action: texts.get(`decision.${decision}`),
    submit: async () => {
      decided = await context.calls.resolve(duplicate, decision, duplicate.decision !== null);
    },
  });
  return decided;
}

/**
 * @param {Context} context
 * @param {Duplicate} duplicate
 */
function decided({ texts, formats }, { decision, decidedAt, decidedBy }) {
  return element("p", { class: "decided" }, texts.get("duplicates.decided", {
    decision: decision ? texts.get(`decision.${decision}`) : "–",
    at: decidedAt ? formats.moment(decidedAt) : "–",
    by: decidedBy ?? "–",
  }));
}

/**
 * Two enrollments of one person may become one: the operator says which id stays.
 * @param {Context} context
 * @param {Duplicate} duplicate
 */
function mergeOffer(context, { subjectId, duplicateOf }) {
  const { texts } = context;
  const offer = element("div", { class: "inset" }, element("p", {}, texts.get("duplicates.merge")));
  const merged = () => offer.replaceChildren(element("p", {}, texts.get("duplicates.merged")));
  const pairs = [[duplicateOf, subjectId], [subjectId, duplicateOf]];
  const buttons = pairs.map(([stays, goes]) =>
    element("button", { type: "button", class: "button", onclick: () => void mergeInto(context, stays, merged, goes) },
      texts.get("duplicates.keep", { stays })));
  offer.append(element("div", { class: "actions" }, ...buttons));
  return offer;
}
