// The thresholds of a collection: the model's stand as they are, the collection's own may be set or given back.

import { element } from "../common/dom.js";
import { falseMatchRate, falseNonMatchRate, rateText } from "./strangers.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * A row for each profile; an empty field means the model's own threshold.
 * @param {Context} context
 * @param {Collection} collection
 */
export function thresholdFields(context, collection) {
  const { texts } = context;
  const rows = Object.keys(collection.thresholdProfiles).map((name) => rowOf(context, collection, name));
  const set = element("fieldset", {
    id: "thresholds",
    class: "choices",
    tabindex: "-1",
    "aria-describedby": "thresholds-hint",
  });
  set.append(
    element("legend", {}, texts.get("thresholds")),
    element("p", { class: "hint", id: "thresholds-hint" }, texts.get("thresholds.hint")),
    ...rows,
    newRow(context),
  );
  return set;
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {string} name
 */
function rowOf(context, collection, name) {
  const profile = collection.thresholdProfiles[name];
  const own = collection.ownThresholds[name];
  const id = `threshold-${name}`;
  const input = element("input", {
    id,
    type: "text",
    inputmode: "decimal",
    class: "short threshold",
    "data-profile": name,
    value: own === undefined ? "" : String(own),
    placeholder: String(profile.threshold),
    autocomplete: "off",
    "aria-describedby": `${id}-hint`,
  });
  const label = element("label", { for: id }, name);
  return element(
    "div",
    { class: "threshold-row" },
    label,
    input,
    element("p", { class: "hint", id: `${id}-hint` }, profileText(context, profile)),
  );
}

/**
 * The threshold in force, its error rates as far as they are known, and where they come from.
 * @param {Context} context
 * @param {import("./answers.js").Profile} profile
 */
function profileText(context, profile) {
  const { texts } = context;
  const rates = [falseMatchRate(profile), falseNonMatchRate(profile)];
  const [fmr, fnmr] = rates.map((rate) => rateText(context, rate));
  const known = rates.some((rate) => rate !== null) ? texts.get("thresholds.rates", { fmr, fnmr }) : "";
  const said = texts.get("thresholds.in_force", { threshold: profile.threshold });
  return [said, known, profile.source].filter(Boolean).join(" · ");
}

/** @param {Context} context */
function newRow({ texts }) {
  const name = element("input", {
    type: "text",
    id: "new-profile",
    class: "new-profile",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": texts.get("thresholds.new_name"),
    placeholder: texts.get("thresholds.new_name"),
  });
  const value = element("input", {
    type: "text",
    inputmode: "decimal",
    class: "short new-threshold",
    autocomplete: "off",
    "aria-label": texts.get("thresholds.new_value"),
    placeholder: "0.45",
  });
  return element(
    "div",
    { class: "threshold-row" },
    name,
    value,
    element("p", { class: "hint" }, texts.get("thresholds.new_hint")),
  );
}

/**
 * The collection's own thresholds as they are in the form; null where one is no cosine or has no name.
 * @param {ParentNode} form
 * @returns {Record<string, number> | null}
 */
export function thresholdsIn(form) {
  /** @type {[string, string][]} */
  const given = [...form.querySelectorAll("input.threshold")].map((one) => [
    one.getAttribute("data-profile") ?? "",
    /** @type {HTMLInputElement} */ (one).value.trim(),
  ]);
  const [name, value] = [".new-profile", ".new-threshold"].map((kind) => {
    const found = form.querySelector(`input${kind}`);
    return found instanceof HTMLInputElement ? found.value.trim() : "";
  });
  if ((name === "") !== (value === "")) return null;
  if (name && !NAME.test(name)) return null;
  const set = [...given, /** @type {[string, string]} */ ([name, value])].filter(([, text]) => text !== "");
  const numbers = set.map(([profile, text]) => /** @type {[string, number]} */ ([profile, Number(text)]));
  return numbers.every(([, number]) => number >= -1 && number <= 1) ? Object.fromEntries(numbers) : null;
}
