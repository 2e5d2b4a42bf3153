// How many strangers a search names on average: people times false match rate (docs/thresholds.md).

/** @typedef {import("./answers.js").Profile} Profile */
/** @typedef {import("./answers.js").Collection} Collection */

/**
 * The rate that the service reckons with: its upper bound at 95 % where there is one; null where nobody
 * has measured it.
 * @param {Profile | undefined} profile
 */
export function falseMatchRate(profile) {
  return profile?.falseMatchRateBound ?? profile?.falseMatchRate ?? null;
}

/** @param {Profile} profile */
export function falseNonMatchRate(profile) {
  return profile.falseNonMatchRateBound ?? profile.falseNonMatchRate;
}

/**
 * @param {import("./context.js").Context} context
 * @param {number | null} rate null where nobody has measured it
 */
export function rateText({ texts, formats }, rate) {
  return rate === null ? texts.get("unknown") : formats.rate(rate);
}

/**
 * @param {number} people
 * @param {Profile | undefined} profile
 * @returns {number | null}
 */
export function expectedStrangers(people, profile) {
  const rate = falseMatchRate(profile);
  return rate === null ? null : people * rate;
}

/**
 * So many people may be in the collection before a search at this profile names more strangers than that.
 * @param {number} most
 * @param {Profile | undefined} profile
 * @returns {number | null}
 */
export function mostPeople(most, profile) {
  const rate = falseMatchRate(profile);
  return rate === null || rate === 0 ? null : Math.floor(most / rate);
}

/**
 * What the present size means: `unknown` where no rate was measured, `within` the limit, `raised` where the
 * service keeps it within by a higher threshold, `above` where it cannot and warns.
 * @param {Collection} collection
 * @returns {"unknown" | "within" | "raised" | "above"}
 */
export function strangerState(collection) {
  const expected = collection.expectedFalseCandidates;
  if (expected === null) return "unknown";
  if (expected > collection.maxFalseCandidates) return "above";
  const profile = collection.thresholdProfiles[collection.duplicateProfile];
  return profile && collection.searchThreshold > profile.threshold ? "raised" : "within";
}
