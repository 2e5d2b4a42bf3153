// The text of GET /metrics (Prometheus' text format), read into samples, and what they say.

/**
 * One line: a metric's name, its labels and its value.
 * @typedef {{name: string, labels: Record<string, string>, value: number}} Sample
 */

/**
 * A histogram, not cumulative. `bounds`: the upper ends, the last one Infinity; `counts`: as many.
 * @typedef {{bounds: number[], counts: number[], sum: number}} Histogram
 */

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = /** @type {Record<string, string>} */ ({ n: "\n", "\\": "\\", '"': '"' });

/**
 * @param {string} text
 * @returns {Sample[]}
 */
export function readExposition(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const parts = line.startsWith("#") ? null : LINE.exec(line);
    if (parts === null) continue;
    samples.push({ name: parts[1], labels: labelsOf(parts[2] ?? ""), value: numberOf(parts[3]) });
  }
  return samples;
}

/** @param {string} text */
function labelsOf(text) {
  /** @type {Record<string, string>} */
  const labels = {};
  for (const [, name, value] of text.matchAll(LABEL)) {
    labels[name] = value.replace(/\\(.)/g, (_, sign) => ESCAPES[sign] ?? sign);
  }
  return labels;
}

/** @param {string} text `+Inf` is how Prometheus writes Infinity */
function numberOf(text) {
  return text === "+Inf" ? Infinity : Number(text);
}

/**
 * The samples of one metric, as far as their labels are these.
 * @param {Sample[]} samples
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function samplesOf(samples, name, labels = {}) {
  const wanted = Object.entries(labels);
  return samples.filter(
    (one) => one.name === name && wanted.every(([label, value]) => one.labels[label] === value),
  );
}

/**
 * Their sum; null where there are none.
 * @param {Sample[]} samples
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function valueOf(samples, name, labels = {}) {
  const found = samplesOf(samples, name, labels);
  return found.length === 0 ? null : found.reduce((sum, one) => sum + one.value, 0);
}

/**
 * The sums by the values of one label.
 * @param {Sample[]} samples
 * @param {string} name
 * @param {string} label
 * @returns {Map<string, number>}
 */
export function valuesBy(samples, name, label) {
  const sums = new Map();
  for (const one of samplesOf(samples, name)) {
    const key = one.labels[label] ?? "";
    sums.set(key, (sums.get(key) ?? 0) + one.value);
  }
  return sums;
}

/**
 * A histogram, all of its series with these labels together.
 * @param {Sample[]} samples
 * @param {string} name
 * @param {Record<string, string>} [labels]
 * @returns {Histogram}
 */
export function histogramOf(samples, name, labels = {}) {
  /** @type {Map<number, number>} */
  const cumulative = new Map();
  for (const one of samplesOf(samples, `${name}_bucket`, labels)) {
    const bound = numberOf(one.labels.le);
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + one.value);
  }
  const bounds = [...cumulative.keys()].sort((one, other) => one - other);
  const upTo = bounds.map((bound) => cumulative.get(bound) ?? 0);
  const counts = upTo.map((count, index) => count - (index === 0 ? 0 : upTo[index - 1]));
  return { bounds, counts, sum: valueOf(samples, `${name}_sum`, labels) ?? 0 };
}

/** @param {Histogram} histogram */
export function totalOf(histogram) {
  return histogram.counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The value below which this share lies, as `histogram_quantile` reckons it: evenly within a bucket,
 * and the highest finite bound for what lies above it. Null where nothing was counted.
 * @param {Histogram} histogram
 * @param {number} share 0 to 1
 */
export function quantileOf(histogram, share) {
  const rank = totalOf(histogram) * share;
  if (rank === 0) return null;
  let below = 0;
  for (const [index, count] of histogram.counts.entries()) {
    if (below + count >= rank) {
      const low = index === 0 ? Math.min(0, histogram.bounds[0]) : histogram.bounds[index - 1];
      const high = histogram.bounds[index];
      return high === Infinity ? low : low + ((high - low) * (rank - below)) / count;
    }
    below += count;
  }
  return histogram.bounds.at(-2) ?? null;
}
