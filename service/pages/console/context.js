// What every view needs: the calls, the language, which collection is looked at, where to say something.

import { Api } from "../common/api.js";
import { Calls } from "./calls.js";
import { Formats } from "./formats.js";
import { Readings } from "./samples.js";

/** @typedef {import("../common/texts.js").Texts} Texts */
/** @typedef {import("./answers.js").Collection} Collection */
/**
 * Fills a place that is empty. `isFresh`: collections were read just now, when somebody signed in.
 * @typedef {(context: Context, place: HTMLElement, isFresh?: boolean) => Promise<void>} View
 */

const MOST_LOOKED_INTO = 10;

export class Context {
  /**
   * @param {string} key
   * @param {Texts} texts
   * @param {(message: string, isSeen: boolean) => void} said what is said aloud, and perhaps seen
   */
  constructor(key, texts, said) {
    this.texts = texts;
    this.said = said;
    this.api = new Api(key, texts.language);
    this.calls = new Calls(this.api);
    this.formats = new Formats(texts.language);
    this.readings = new Readings();
    /** @type {Collection[]} */
    this.collections = [];
    /** Those in which duplicates wait for a decision, as far as was looked. */
    this.waiting = /** @type {string[]} */ ([]);
    /** The one that people and duplicates are shown of. */
    this.chosen = "";
    /** Whether the key may see keys and make collections: it is bound to no collection. */
    this.isUnbound = false;
    /** The collections or the chosen one changed. */
    this.onchange = () => {};
  }

  /** @param {Texts} texts */
  speak(texts) {
    this.texts = texts;
    this.api.language = texts.language;
    this.formats = new Formats(texts.language);
  }

  /**
   * What was done.
   * @param {string} message
   */
  say(message) {
    this.said(message, true);
  }

  /**
   * What anybody sees in the page: for those who hear it.
   * @param {string} message
   */
  tell(message) {
    this.said(message, false);
  }

  /** The chosen one is kept where it still exists. */
  async readCollections() {
    this.collections = await this.calls.collections();
    if (this.collection === null) this.chosen = this.collections[0]?.collection ?? "";
    this.onchange();
  }

  /**
   * A collection as a call has just made or changed it: nobody has to list all of them for that.
   * @param {Collection} changed
   */
  keep(changed) {
    const others = this.collections.filter((one) => one.collection !== changed.collection);
    this.collections = [...others, changed].sort((one, other) => (one.collection < other.collection ? -1 : 1));
    this.onchange();
  }

  /** Looks into the first collections alone: each costs a call. */
  async readWaiting() {
    const names = this.collections.slice(0, MOST_LOOKED_INTO).map((one) => one.collection);
    const pages = await Promise.all(names.map((name) => this.calls.duplicates(name, "open", 1)));
    this.waiting = names.filter((_, index) => pages[index].duplicates.length > 0);
  }

  get collection() {
    return this.collections.find((one) => one.collection === this.chosen) ?? null;
  }

  /** @param {string} name */
  choose(name) {
    this.chosen = name;
    this.onchange();
  }

  /** What was counted until now, beside what was counted before. */
  async readMetrics() {
    this.readings.add(await this.calls.metrics(), Date.now());
  }
}
