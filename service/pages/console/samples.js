// The counters of /metrics, read again and again while the page is open: what happened in between.

import { histogramOf, readExposition } from "./exposition.js";

/** @typedef {import("./exposition.js").Sample} Sample */
/** @typedef {import("./exposition.js").Histogram} Histogram */
/** @typedef {{at: number, samples: Sample[]}} Reading `at`: milliseconds since 1970 */
/** @typedef {{from: number, to: number, calls: Histogram}} Step how long the calls between two readings took */

export const SECONDS_BETWEEN_READINGS = 15;
const MOST_STEPS = 720;
/* Three hours. Then every two of them become one, so that a page may stay open for days. */

export const REQUESTS = "face_http_request_seconds";

/** Of the service for itself and of this page: not what anybody asked about a face. */
const OF_THE_PAGE = /^\/(admin|metrics|readyz|healthz|pages|console|kiosk|docs|redoc|openapi)|^\/$/;

/** Counters and histograms only rise; gauges are taken as they are. */
const COUNTED = /_(total|bucket|sum|count)$/;

export class Readings {
  constructor() {
    /** @type {Reading | null} */
    this.first = null;
    /** @type {Reading | null} */
    this.last = null;
    /** @type {Step[]} oldest first */
    this.steps = [];
  }

  /**
   * @param {string} text
   * @param {number} at
   */
  add(text, at) {
    const reading = { at, samples: readExposition(text) };
    if (this.last) this.steps.push(stepOf(this.last, reading));
    if (this.steps.length > MOST_STEPS) this.steps = halved(this.steps);
    this.first ??= reading;
    this.last = reading;
  }

  /** What was counted since the first reading. */
  sinceOpened() {
    return this.first && this.last ? difference(this.first.samples, this.last.samples) : [];
  }
}

/**
 * The calls that somebody made about faces.
 * @param {Sample[]} samples
 */
export function asked(samples) {
  return samples.filter((one) => !OF_THE_PAGE.test(one.labels.route ?? ""));
}

/**
 * @param {Reading} before
 * @param {Reading} after
 * @returns {Step}
 */
function stepOf(before, after) {
  const calls = histogramOf(asked(difference(before.samples, after.samples)), REQUESTS);
  return { from: before.at, to: after.at, calls };
}

/**
 * @param {Step[]} steps
 * @returns {Step[]}
 */
function halved(steps) {
  const firsts = steps.filter((_, index) => index % 2 === 0);
  return firsts.map((one, index) => {
    const other = steps[2 * index + 1];
    return other ? { from: one.from, to: other.to, calls: together(one.calls, other.calls) } : one;
  });
}

/**
 * @param {Histogram} one
 * @param {Histogram} other of the same bounds, unless nothing had been counted yet
 * @returns {Histogram}
 */
function together(one, other) {
  if (one.bounds.length !== other.bounds.length) return one.bounds.length ? one : other;
  const counts = one.counts.map((count, index) => count + other.counts[index]);
  return { bounds: one.bounds, counts, sum: one.sum + other.sum };
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
