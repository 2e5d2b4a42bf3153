// The counters of /metrics at several moments, kept while the page is open: what happened between two.

import { readExposition } from "./exposition.js";

/** @typedef {import("./exposition.js").Sample} Sample */
/** @typedef {{at: number, samples: Sample[]}} Reading `at`: milliseconds since 1970 */

export const SECONDS_BETWEEN_READINGS = 15;
const MOST_READINGS = 720;
/* Three hours; then every second reading of the older half goes, so that a page may stay open for days. */

/** Counters and histograms only rise; gauges are taken as they are. */
const COUNTED = /_(total|bucket|sum|count)$/;

export class Readings {
  constructor() {
    /** @type {Reading[]} */
    this.all = [];
  }

  /**
   * @param {string} text
   * @param {number} at
   */
  add(text, at) {
    this.all.push({ at, samples: readExposition(text) });
    if (this.all.length > MOST_READINGS) {
      const half = MOST_READINGS / 2;
      this.all = this.all.filter((_, index) => index > half || index % 2 === 0);
    }
  }

  get last() {
    return this.all.at(-1) ?? null;
  }

  /** What was counted since the first reading. A server that was started anew begins at 0. */
  sinceOpened() {
    const [first, last] = [this.all[0], this.last];
    return first && last ? difference(first.samples, last.samples) : [];
  }

  /**
   * What was counted from one reading to the next, oldest first.
   * @returns {{from: number, to: number, samples: Sample[]}[]}
   */
  steps() {
    return this.all.slice(1).map((reading, index) => ({
      from: this.all[index].at,
      to: reading.at,
      samples: difference(this.all[index].samples, reading.samples),
    }));
  }
}

/**
 * The later samples, each counter less what it was before. A counter that fell was set to 0 by a new
 * start in between: all it shows has been counted since.
 * @param {Sample[]} before
 * @param {Sample[]} after
 */
export function difference(before, after) {
  const was = new Map(before.map((one) => [keyOf(one), one.value]));
  return after.map((one) => {
    if (!COUNTED.test(one.name)) return one;
    const earlier = was.get(keyOf(one)) ?? 0;
    return { ...one, value: one.value >= earlier ? one.value - earlier : one.value };
  });
}

/** @param {Sample} sample */
function keyOf(sample) {
  return JSON.stringify([sample.name, sample.labels]);
}
