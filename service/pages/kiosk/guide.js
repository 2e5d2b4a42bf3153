// What is shown and said beside the camera's picture.

import { byId } from "../common/dom.js";

/** @typedef {import("./oval.js").OvalState} OvalState */
/** @typedef {import("./oval.js").Direction} Direction */
/** @typedef {import("../common/texts.js").Texts} Texts */

/** Between two announcements, in milliseconds: whoever listens must be able to follow. */
const APART = 1800;

export class Guide {
  /**
   * @param {Texts} texts
   * @param {import("./oval.js").Oval} oval
   */
  constructor(texts, oval) {
    this._texts = texts;
    this._oval = oval;
    this._word = byId("word", HTMLElement);
    this._detail = byId("detail", HTMLElement);
    this._step = byId("step", HTMLElement);
    this._aloud = byId("aloud", HTMLElement);
    this._saidAt = 0;
  }

  /**
   * For a picture of this size, in pixels.
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    this._oval.fit(width, height);
  }

  /**
   * @param {OvalState} state
   * @param {string} word what to do, in few words
   * @param {string} [detail]
   * @param {Direction} [direction]
   */
  show(state, word, detail = "", direction = "none") {
    this._oval.show(state, direction);
    this._word.textContent = word;
    this._detail.textContent = detail;
    this._say(word);
  }

  /**
   * How far a challenge has come; nothing where there is none.
   * @param {number} [number] 1 and more
   * @param {number} [count]
   */
  step(number = 0, count = 0) {
    this._step.hidden = count === 0;
    this._step.textContent = count ? this._texts.get("camera.step", { number, count }) : "";
  }

  /** @param {string} sentence */
  _say(sentence) {
    const now = performance.now();
    if (this._aloud.textContent !== sentence && now - this._saidAt > APART) {
      this._aloud.textContent = sentence;
      this._saidAt = now;
    }
  }
}
