// One person: what is held about them, what was done with it, and what an operator may do.

import { element } from "../common/dom.js";
import { recordTable } from "./audit_view.js";
import { button } from "./button.js";
import { saveJson } from "./download.js";
import { deletePerson, mergeInto, renamePerson, withdrawConsent } from "./person_forms.js";
import { attempt } from "./problem.js";
import { shortModel } from "./formats.js";
import { facts } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Person} Person */

const RECORDS = 10;

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {string} subjectId
 * @param {() => void} back to the list
 */
export async function showPerson(context, place, subjectId, back) {
  const { texts, calls, chosen } = context;
  await attempt(context, place, async () => {
    const person = await calls.person(chosen, subjectId);
    const title = element("h1", { tabindex: "-1", class: "id" }, person.subjectId);
    const list = button(texts.get("person.back"), back, "plain back");
    const records = element("section", { class: "panel" }, element("h2", {}, texts.get("person.audit")));
    place.replaceChildren(
      list,
      title,
      element("p", { class: "lead" }, texts.get("person.lead", { collection: chosen })),
      lockPanel(context, place, person, back),
      factPanel(context, person),
      actionPanel(context, place, person, back),
      records,
    );
    title.focus();
    const page = await calls.audit({ collection: chosen, subjectId, limit: RECORDS });
    records.append(recordTable(context, page.records, ["at", "action", "outcome", "caller", "sequence"]));
  });
}

/**
 * @param {Context} context
 * @param {Person} person
 */
function factPanel({ texts, formats }, person) {
  const none = texts.get("none");
  const consent = person.consentReference ?? none;
  const expires = person.expiresAt
    ? `${formats.moment(person.expiresAt)} (${formats.ago(person.expiresAt)})`
    : texts.get("person.expires.never");
  const metadata =
    person.metadata === null
      ? none
      : element("pre", { tabindex: "0" }, JSON.stringify(person.metadata, null, 2));
  return element(
    "section",
    { class: "panel" },
    element("h2", {}, texts.get("person.held")),
    facts([
      [
        texts.get("person.enrolled"),
        `${formats.moment(person.enrolledAt)} (${formats.ago(person.enrolledAt)})`,
      ],
      [texts.get("person.consent"), consent],
      [texts.get("person.expires"), expires],
      [
        texts.get("person.templates"),
        `${formats.whole(person.templates)} · ${person.modelIds.map(shortModel).join(", ")}`,
      ],
      [texts.get("person.metadata"), metadata],
    ]),
  );
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Person} person
 * @param {() => void} back
 */
function lockPanel(context, place, person, back) {
  const { texts, formats, calls, chosen } = context;
  if (!person.lockedUntil) return "";
  const unlock = () =>
    attempt(context, place, async () => {
      await calls.unlock(chosen, person.subjectId);
      await showPerson(context, place, person.subjectId, back);
      context.say(texts.get("person.unlocked", { subject: person.subjectId }));
    });
  return element(
    "section",
    { class: "panel attention" },
    element("h2", {}, texts.get("person.locked", { until: formats.moment(person.lockedUntil) })),
    element("p", {}, texts.get("person.locked.why")),
    button(texts.get("person.unlock"), () => void unlock()),
  );
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Person} person
 * @param {() => void} back
 */
function actionPanel(context, place, person, back) {
  const { texts, calls, chosen } = context;
  const { subjectId } = person;
  const show = (/** @type {string} */ id) => void showPerson(context, place, id, back);
  const save = () =>
    attempt(context, place, async () => {
      saveJson(`${subjectId}.json`, await calls.exported(chosen, subjectId));
      context.say(texts.get("person.exported"));
    });
  const actions = /** @type {[string, string, () => void][]} */ ([
    ["export", "", () => void save()],
    ["rename", "", () => void renamePerson(context, subjectId, show)],
    ["merge", "", () => void mergeInto(context, subjectId, show)],
    ["withdraw", "danger", () => void withdrawConsent(context, place, subjectId, back)],
    ["delete", "danger", () => void deletePerson(context, place, subjectId, back)],
  ]);
  const rows = actions.map(([name, tone, act]) => actionRow(context, name, tone, act));
  return element(
    "section",
    { class: "panel" },
    element("h2", {}, texts.get("person.actions")),
    element("ul", { class: "acts" }, ...rows),
  );
}

/**
 * @param {Context} context
 * @param {string} name
 * @param {string} tone
 * @param {() => void} act
 */
function actionRow({ texts }, name, tone, act) {
  const hint = element("p", { class: "hint", id: `act-${name}` }, texts.get(`person.${name}.hint`));
  const described = { "aria-describedby": hint.id };
  return element("li", {}, button(texts.get(`person.${name}`), act, tone, described), hint);
}
