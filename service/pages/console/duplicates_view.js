// People who were enrolled although they look like somebody enrolled before, until somebody decides.

import { ApiError } from "../common/api.js";
import { element } from "../common/dom.js";
import { button, segments } from "./button.js";
import { ask } from "./dialog.js";
import { mergeInto } from "./person_forms.js";
import { attempt } from "./problem.js";
import { facts, results } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Duplicate} Duplicate */
/** @typedef {import("./answers.js").Decision} Decision */
/** @typedef {"open" | "resolved"} Status */

const PAGE = 20;
const STATUSES = /** @type {const} */ (["open", "resolved"]);
const DECISIONS = /** @type {const} */ (["same_person", "different_people"]);

/**
 * @param {Status} status
 * @param {string} label
 * @returns {[Status, string]}
 */
function pair(status, label) {
  return [status, label];
}

/** @type {import("./context.js").View} */
export async function showDuplicates(context, place) {
  const { texts } = context;
  const found = results(texts.get("duplicates.title"));
  const options = STATUSES.map((status) => pair(status, texts.get(`duplicates.${status}`)));
  const show = (/** @type {Status} */ status) => void list(context, place, found, status);
  const group = segments(texts.get("duplicates.which"), options, "open", show);
  place.append(
    element("h1", { tabindex: "-1" }, texts.get("duplicates.title")),
    element("p", { class: "lead" }, texts.get("duplicates.lead")),
    group,
    found,
  );
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
    const older = () =>
      void list(context, place, found, status, page.nextCursor ?? undefined).then(() => found.focus());
    const more = button(texts.get("duplicates.older"), older);
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
  const sides = element(
    "div",
    { class: "sides" },
    side(context, "duplicates.new", subjectId),
    side(context, "duplicates.earlier", duplicateOf),
  );
  const made = element(
    "article",
    { class: "panel duplicate" },
    element("h2", { tabindex: "-1" }, texts.get("duplicates.pair", { one: subjectId, other: duplicateOf })),
    element(
      "p",
      { class: "lead" },
      texts.get("duplicates.flagged", {
        similarity: similarity === null ? texts.get("duplicates.hidden") : similarity.toFixed(2),
        at: formats.moment(duplicate.flaggedAt),
      }),
    ),
    sides,
  );
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
  const { texts, calls, chosen } = context;
  const made = element(
    "section",
    {},
    element("h3", {}, texts.get(role)),
    element("p", { class: "id" }, subjectId),
  );
  const fill = async () => {
    try {
      made.append(knownOf(context, await calls.person(chosen, subjectId)));
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
 * @param {import("./answers.js").Person} person
 */
function knownOf({ texts, formats }, { enrolledAt, consentReference, metadata }) {
  const none = texts.get("none");
  const written = metadata && element("pre", { tabindex: "0" }, JSON.stringify(metadata, null, 2));
  return facts([
    [texts.get("person.enrolled"), formats.moment(enrolledAt)],
    [texts.get("person.consent"), consentReference ?? none],
    [texts.get("person.metadata"), written ?? none],
  ]);
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Duplicate} duplicate
 * @param {HTMLElement} shown the card, exchanged once it is decided
 */
function actions(context, place, duplicate, shown) {
  const decide = (/** @type {Decision} */ decision) =>
    attempt(
      context,
      place,
      async () => {
        const confirmed = await confirm(context, duplicate, decision);
        if (!confirmed) return;
        const made = card(context, place, confirmed);
        if (decision === "same_person") made.append(mergeOffer(context, confirmed));
        shown.replaceWith(made);
        made.querySelector("h2")?.focus();
        context.say(context.texts.get(`duplicates.decided.${decision}`));
      },
      { mayRepeat: false },
    );
  const left = DECISIONS.filter((decision) => decision !== duplicate.decision);
  const buttons = left.map((decision) => {
    const words = context.texts.get(duplicate.decision ? "duplicates.change" : `decision.${decision}`, {
      decision: context.texts.get(`decision.${decision}`),
    });
    return button(words, () => void decide(decision));
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
    title: texts.get(`decision.${decision}.title`, {
      one: duplicate.subjectId,
      other: duplicate.duplicateOf,
    }),
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
  return element(
    "p",
    { class: "decided" },
    texts.get("duplicates.decided", {
      decision: decision ? texts.get(`decision.${decision}`) : "–",
      at: decidedAt ? formats.moment(decidedAt) : "–",
      by: decidedBy ?? "–",
    }),
  );
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
  const pairs = [
    [duplicateOf, subjectId],
    [subjectId, duplicateOf],
  ];
  const buttons = pairs.map(([stays, goes]) =>
    button(texts.get("duplicates.keep", { stays }), () => void mergeInto(context, stays, merged, goes)),
  );
  offer.append(element("div", { class: "actions" }, ...buttons));
  return offer;
}
