// How many strangers a search names on average, for what the form says and for sizes to come.

import { element } from "../common/dom.js";
import { expectedStrangers, falseMatchRate, mostPeople, strangerState } from "./strangers.js";
import { table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */

const SIZES = [1_000, 10_000, 100_000, 1_000_000];

/**
 * Whether a search in the collection keeps to its limit of strangers.
 * @param {import("../common/texts.js").Texts} texts
 * @param {Collection} collection
 */
export function strangerTag(texts, collection) {
  const state = strangerState(collection);
  return element("span", { class: `tag ${state}` }, texts.get(`strangers.${state}`));
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {{duplicateProfile: string, maxFalseCandidates: number, thresholdProfiles: Record<string, number>}} draft
 */
export function strangerPanel(context, collection, draft) {
  const { texts } = context;
  const panel = element("div", { class: "inset" }, element("h3", {}, texts.get("strangers.title")));
  const unknown = whyUnknown(collection, draft);
  if (unknown) {
    panel.append(element("p", {}, texts.get(unknown, { profile: draft.duplicateProfile })));
    return panel;
  }
  const said = [...sentences(context, collection, draft), ...raised(context, collection, draft)];
  panel.append(...said.map((one) => element("p", {}, one)), sizes(context, collection, draft));
  return panel;
}

/**
 * A threshold that is only typed has no rate yet: the service tells it when it is saved.
 * @param {Collection} collection
 * @param {{duplicateProfile: string, maxFalseCandidates: number, thresholdProfiles: Record<string, number>}} draft
 * @returns {string} the text's key; "" where everything is known
 */
function whyUnknown(collection, { duplicateProfile, maxFalseCandidates, thresholdProfiles }) {
  if (!(maxFalseCandidates > 0)) return "most.problem";
  if (thresholdProfiles[duplicateProfile] !== collection.ownThresholds[duplicateProfile])
    return "strangers.changed";
  return falseMatchRate(collection.thresholdProfiles[duplicateProfile]) === null
    ? "strangers.unmeasured"
    : "";
}

/**
 * Where the threshold of searches stands now, if it has risen.
 * @param {Context} context
 * @param {Collection} collection
 * @param {{duplicateProfile: string, maxFalseCandidates: number}} draft
 */
function raised({ texts }, collection, { duplicateProfile, maxFalseCandidates }) {
  const isSaved =
    duplicateProfile === collection.duplicateProfile && maxFalseCandidates === collection.maxFalseCandidates;
  const { threshold } = collection.thresholdProfiles[duplicateProfile];
  if (!isSaved || collection.searchThreshold <= threshold) return [];
  return [texts.get("strangers.raised_to", { threshold, raised: collection.searchThreshold.toFixed(3) })];
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {{duplicateProfile: string, maxFalseCandidates: number, thresholdProfiles: Record<string, number>}} draft
 */
function sentences({ texts, formats }, collection, draft) {
  const profile = collection.thresholdProfiles[draft.duplicateProfile];
  const expected = expectedStrangers(collection.templates, profile) ?? 0;
  const most = mostPeople(draft.maxFalseCandidates, profile);
  return [
    texts.get("strangers.now", {
      people: formats.whole(collection.templates),
      rate: formats.rate(falseMatchRate(profile) ?? 0),
      profile: draft.duplicateProfile,
      expected: formats.rate(expected),
    }),
    texts.get(expected > draft.maxFalseCandidates ? "strangers.now.above" : "strangers.now.within", {
      limit: formats.rate(draft.maxFalseCandidates),
      most: most === null ? "∞" : formats.whole(most),
    }),
  ];
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {{duplicateProfile: string, maxFalseCandidates: number}} draft
 */
function sizes({ texts, formats }, collection, draft) {
  const profile = collection.thresholdProfiles[draft.duplicateProfile];
  const rows = SIZES.map((people) => {
    const expected = expectedStrangers(people, profile) ?? 0;
    const isAbove = expected > draft.maxFalseCandidates;
    const tag = element(
      "span",
      { class: `tag ${isAbove ? "above" : "within"}` },
      texts.get(isAbove ? "strangers.above" : "strangers.within"),
    );
    return [formats.whole(people), formats.rate(expected), tag];
  });
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("people") },
    { title: texts.get("strangers.each"), kind: number },
    { title: texts.get("strangers") },
  ];
  return table(texts.get("strangers.sizes"), columns, rows, "");
}
