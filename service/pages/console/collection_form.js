// All settings of one collection, each with what it means and what it does to error rates.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { deletionPanel } from "./collection_deletion.js";
import { choices, chosenIn, clearErrors, selectField, showErrors, textField, valueIn } from "./fields.js";
import { shortModel } from "./formats.js";
import { attemptForm } from "./problem.js";
import { strangerPanel } from "./stranger_panel.js";
import { thresholdFields, thresholdsIn } from "./threshold_fields.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */
/** @typedef {import("./answers.js").CollectionSettings} CollectionSettings */

const MOST_RETENTION_DAYS = 36_500;
const MOST_FALSE_CANDIDATES = 100;
const LEAST_FALSE_CANDIDATES = 1e-6;
/* What the service takes, see service/api/routes/collections.py. */

/** Ids of the fields by their names in the call. */
const IDS = {
  thresholdProfiles: "thresholds",
  duplicatePolicy: "policy",
  duplicateProfile: "profile",
  profile_not_found: "profile",
  maxFalseCandidates: "most",
  faces: "faces",
  requireLiveness: "liveness",
  retentionDays: "retention",
};

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Collection} collection
 * @param {() => void} back to the list
 */
export function showCollection(context, place, collection, back) {
  const { texts } = context;
  const title = element(
    "h1",
    { tabindex: "-1" },
    texts.get("collection.title", { collection: collection.collection }),
  );
  const form = settingsForm(context, collection, (changed) => {
    showCollection(context, place, changed, back);
    context.say(texts.get("collection.saved", { collection: changed.collection }));
  });
  const list = button(texts.get("collection.back"), back, "plain back");
  place.replaceChildren(
    list,
    title,
    element("p", { class: "lead" }, summaryOf(context, collection)),
    form,
    deletionPanel(context, collection, back),
  );
  title.focus();
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function summaryOf({ texts, formats }, collection) {
  return texts.get("collection.summary", {
    people: formats.whole(collection.templates),
    at: formats.day(collection.createdAt),
    model: collection.modelId ? shortModel(collection.modelId) : texts.get("none"),
  });
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {(changed: Collection) => void} saved
 */
function settingsForm(context, collection, saved) {
  const { texts } = context;
  const form = element("form", { novalidate: true, class: "settings" });
  const live = element("div", { "aria-live": "polite" });
  const redraw = () => live.replaceChildren(strangerPanel(context, collection, draftOf(form)));
  form.append(
    section(
      context,
      "duplicates",
      policyChoices(context, collection),
      profileField(context, collection),
      mostField(context, collection),
      live,
    ),
    section(context, "verification", thresholdFields(context, collection)),
    section(context, "faces", facesChoices(context, collection), livenessChoices(context, collection)),
    section(context, "retention", retentionField(context, collection)),
    element("div", { class: "actions" }, element("button", { class: "button primary" }, texts.get("save"))),
  );
  form.addEventListener("input", redraw);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void save(context, collection, form, saved);
  });
  redraw();
  return form;
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {HTMLFormElement} form
 * @param {(changed: Collection) => void} saved
 */
async function save(context, collection, form, saved) {
  clearErrors(form);
  const errors = errorsIn(context, form);
  if (errors.length) return showErrors(form, context.texts.get("form.problem"), errors);
  await attemptForm(context, form, IDS, async () => {
    const changed = await context.calls.changeCollection(collection.collection, changesOf(collection, form));
    context.keep(changed);
    saved(changed);
  });
}

/**
 * @param {Context} context
 * @param {HTMLFormElement} form
 */
function errorsIn({ texts }, form) {
  const errors = [];
  const [most, days] = [Number(valueIn(form, "most")), valueIn(form, "retention")];
  if (!(most >= LEAST_FALSE_CANDIDATES && most <= MOST_FALSE_CANDIDATES))
    errors.push({ id: "most", message: texts.get("most.problem") });
  if (days && !(Number.isInteger(Number(days)) && Number(days) >= 1 && Number(days) <= MOST_RETENTION_DAYS)) {
    errors.push({ id: "retention", message: texts.get("retention.problem", { most: MOST_RETENTION_DAYS }) });
  }
  if (thresholdsIn(form) === null)
    errors.push({ id: "thresholds", message: texts.get("thresholds.problem") });
  return errors;
}

/**
 * What the form says, as PATCH names it.
 * @param {ParentNode} form
 */
function draftOf(form) {
  const days = valueIn(form, "retention");
  const faces = chosenIn(form, "faces")[0];
  return {
    thresholdProfiles: thresholdsIn(form) ?? {},
    duplicatePolicy: chosenIn(form, "policy")[0],
    duplicateProfile: valueIn(form, "profile"),
    maxFalseCandidates: Number(valueIn(form, "most")),
    faces: faces === "service" ? null : faces,
    requireLiveness: chosenIn(form, "liveness")[0],
    retentionDays: days === "" ? null : Number(days),
  };
}

/**
 * Only what differs: somebody else may have changed the rest in the meantime.
 * @param {Collection} collection
 * @param {ParentNode} form
 * @returns {CollectionSettings}
 */
function changesOf(collection, form) {
  const { ownThresholds, ...now } = collection;
  const before = /** @type {Record<string, unknown>} */ ({ ...now, thresholdProfiles: ownThresholds });
  const changes = Object.entries(draftOf(form)).filter(([name, value]) => !isSame(before[name], value));
  return Object.fromEntries(changes);
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function isSame(one, other) {
  const sorted = (/** @type {unknown} */ value) =>
    value && typeof value === "object" ? Object.entries(value).sort() : value;
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

/**
 * @param {Context} context
 * @param {string} name
 * @param {...HTMLElement} content
 */
function section({ texts }, name, ...content) {
  return element("section", { class: "panel" }, element("h2", {}, texts.get(`settings.${name}`)), ...content);
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function policyChoices({ texts }, collection) {
  const options = ["reject", "flag", "allow"].map((value) => optionOf(texts, "policy", value));
  return choices("policy", texts.get("policy"), texts.get("policy.hint"), "radio", options, [
    collection.duplicatePolicy,
  ]);
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function profileField({ texts }, collection) {
  const options = Object.entries(collection.thresholdProfiles).map(
    ([name, { threshold }]) => /** @type {[string, string]} */ ([name, `${name} (${threshold})`]),
  );
  return selectField(
    "profile",
    texts.get("search_profile"),
    texts.get("search_profile.hint"),
    options,
    collection.duplicateProfile,
  );
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function mostField({ texts }, collection) {
  const attributes = { value: String(collection.maxFalseCandidates), inputmode: "decimal", class: "short" };
  return textField("most", texts.get("most"), texts.get("most.hint"), attributes);
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function facesChoices({ texts }, collection) {
  const options = ["service", "one", "dominant"].map((value) => optionOf(texts, "faces", value));
  return choices("faces", texts.get("faces"), texts.get("faces.hint"), "radio", options, [
    collection.faces ?? "service",
  ]);
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function livenessChoices({ texts }, collection) {
  const options = ["none", "verify", "enroll", "both"].map((value) => optionOf(texts, "liveness", value));
  return choices("liveness", texts.get("liveness"), texts.get("liveness.hint"), "radio", options, [
    collection.requireLiveness,
  ]);
}

/**
 * @param {Context} context
 * @param {Collection} collection
 */
function retentionField({ texts }, collection) {
  const attributes = { value: String(collection.retentionDays ?? ""), inputmode: "numeric", class: "short" };
  return textField("retention", texts.get("retention"), texts.get("retention.hint"), attributes);
}

/**
 * @param {import("../common/texts.js").Texts} texts
 * @param {string} name
 * @param {string} value
 */
function optionOf(texts, name, value) {
  return { value, label: texts.get(`${name}.${value}`), hint: texts.get(`${name}.${value}.hint`) };
}
