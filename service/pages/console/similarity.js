// How alike two embeddings are, and what the thresholds of a collection say of it.

/** @typedef {import("./answers.js").Collection} Collection */
/** @typedef {"very_high" | "high" | "borderline" | "low" | "very_low"} Band */
/** @typedef {"allow" | "recapture" | "deny"} Recommendation */

/**
 * Their cosine. Embeddings have length 1, so it is their dot product.
 * @param {number[]} one
 * @param {number[]} other
 */
export function similarityOf(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0);
}

/**
 * @param {number} similarity
 * @param {Collection["bands"]} bands
 * @returns {Band}
 */
export function bandOf(similarity, bands) {
  if (similarity >= bands.veryHigh) return "very_high";
  if (similarity >= bands.high) return "high";
  if (similarity >= bands.borderline) return "borderline";
  return similarity >= bands.low ? "low" : "very_low";
}

/**
 * As the service decides (service/domain/decision.py): below the threshold a better photograph may help
 * where the faces are borderline or nearer.
 * @param {number} similarity
 * @param {number} threshold
 * @param {Band} band
 * @returns {Recommendation}
 */
export function recommendationOf(similarity, threshold, band) {
  if (similarity >= threshold) return "allow";
  return band === "low" || band === "very_low" ? "deny" : "recapture";
}

/**
 * As the service shows it: rounded down by its shortest decimal form, so that what is below a threshold never
 * looks as if it reached it.
 * @param {number} similarity
 */
export function shownSimilarity(similarity) {
  const [whole, decimals = ""] = decimal(Math.abs(similarity)).split(".");
  const cut = Number(whole) * 100 + Number(decimals.slice(0, 2).padEnd(2, "0"));
  const isMore = similarity < 0 && /[1-9]/.test(decimals.slice(2));
  return ((similarity < 0 ? -cut - (isMore ? 1 : 0) : cut) / 100).toFixed(2);
}

/** @param {number} number 0 to 1; below a millionth JavaScript writes it with an exponent */
function decimal(number) {
  const text = String(number);
  return text.includes("e") ? "0.0000001" : text;
}
