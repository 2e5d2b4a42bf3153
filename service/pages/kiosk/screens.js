// One screen at a time: shown, told to whoever listens, and left by a button, by Escape or by itself.

import { byId } from "../common/dom.js";

/** Seconds without a touch or a key after which a person is taken to have left; and of that, warned of. */
const IDLE = 60;
const WARNED = 15;

/**
 * @typedef {object} ChoiceOptions
 * @property {(go: string) => boolean} [accepts] false keeps the screen: something in it is wrong
 * @property {boolean} [stays] whether nobody has to touch it: the first screen, and that of pairing
 */

export class Screens {
  constructor() {
    /** @type {HTMLElement[]} */
    this._all = [...document.querySelectorAll("section")];
    this._shown = "";
    /** @type {(go: string) => void} */
    this._chosen = () => undefined;
    /** What ends the visit. @type {() => void} */
    this.onCancel = () => undefined;
    this._shownAt = performance.now();
    this._touchedAt = this._shownAt;
    this._stays = true;
    this._listen();
  }

  /**
   * Whoever listens is told its heading, which gets the focus.
   * @param {string} name
   */
  show(name) {
    this._shownAt = performance.now();
    if (name === this._shown) {
      return;
    }
    this._shown = name;
    document.body.dataset.shown = name;
    for (const screen of this._all) {
      screen.hidden = screen.dataset.screen !== name;
    }
    window.scrollTo(0, 0);
    this._screen().querySelector("h1")?.focus();
  }

  /**
   * Shows a screen and resolves with what was chosen there.
   * @param {string} name
   * @param {AbortSignal | null} signal the visit's
   * @param {ChoiceOptions} [options]
   * @returns {Promise<string>}
   */
  choice(name, signal, { accepts = () => true, stays = false } = {}) {
    this.show(name);
    this._stays = stays;
    return new Promise((resolve, reject) => {
      const over = () => reject(signal?.reason);
      signal?.addEventListener("abort", over, { once: true });
      this._chosen = (go) => {
        if (accepts(go)) {
          signal?.removeEventListener("abort", over);
          this._chosen = () => undefined;
          this._stays = true;
          resolve(go);
        }
      };
    });
  }

  /**
   * As if it had been chosen by hand.
   * @param {string} go
   */
  choose(go) {
    this._chosen(go);
  }

  /**
   * Whether somebody else may stand there by then: nobody has touched anything for so long.
   * @param {number} seconds from now
   */
  isAloneIn(seconds) {
    return IDLE - (performance.now() - this._touchedAt) / 1000 < seconds;
  }

  /** Nothing of the last person is left in a field. */
  forget() {
    for (const form of document.querySelectorAll("form")) {
      form.reset();
    }
    for (const problem of document.querySelectorAll(".problem")) {
      problem.textContent = "";
    }
    for (const field of document.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
    }
    byId("aloud", HTMLElement).textContent = "";
    this._stays = true;
  }

  _screen() {
    return /** @type {HTMLElement} */ (this._all.find((one) => one.dataset.screen === this._shown));
  }

  _listen() {
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-go]") : null;
      if (button instanceof HTMLButtonElement && button.type === "button") {
        this._go(String(button.dataset.go));
      }
    });
    document.addEventListener("submit", (event) => {
      event.preventDefault();
      this._go("next");
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this._go("cancel");
      }
    });
    for (const touch of ["pointerdown", "keydown", "input"]) {
      document.addEventListener(touch, () => (this._touchedAt = performance.now()));
    }
    setInterval(() => this._lookForSomebody(), 1000);
  }

  /** @param {string} go */
  _go(go) {
    if (go === "cancel") {
      this.onCancel();
    } else {
      this._chosen(go);
    }
  }

  _lookForSomebody() {
    const since = Math.max(this._touchedAt, this._shownAt);
    const left = this._stays ? IDLE : IDLE - (performance.now() - since) / 1000;
    byId("idle", HTMLElement).hidden = left > WARNED;
    if (left <= 0) {
      this.onCancel();
    }
  }
}

/**
 * Says beside a field what is wrong with it, and puts the focus there.
 * @param {HTMLInputElement} field
 * @param {string} problem empty: nothing is
 * @returns {boolean} whether nothing is
 */
export function tell(field, problem) {
  const place = byId(`${field.id}-problem`, HTMLElement);
  place.textContent = problem;
  if (problem === "") {
    field.removeAttribute("aria-invalid");
    return true;
  }
  field.setAttribute("aria-invalid", "true");
  field.focus();
  return false;
}
