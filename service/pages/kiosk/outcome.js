// The last screen of a visit: yes, no, or what went wrong and what to do. It goes back by itself.

import { byId, element } from "../common/dom.js";

/**
 * @typedef {object} Outcome
 * @property {"yes" | "no" | "retry" | "trouble"} kind
 * @property {string} title
 * @property {string} [detail]
 * @property {string[]} [reasons] sentences for the person
 * @property {string} [fine] for whoever runs the kiosk
 * @property {string} [again] what the button says that tries again; none: there is none
 * @property {"again" | "done" | "pair"} then what happens by itself, and by the first button where it is "pair"
 * @property {number} seconds until then; 0: nothing happens by itself
 * @property {boolean} [asksAgain] whether the person is asked anew who they are
 */

const MARKS = {
  yes: "m14 25 7 7 14-16",
  no: "m16 16 16 16M32 16 16 32",
  retry: "M24 13v13M24 33v.6",
  trouble: "M24 13v13M24 33v.6",
};

export class OutcomeScreen {
  /**
   * @param {import("./screens.js").Screens} screens
   * @param {import("../common/texts.js").Texts} texts
   */
  constructor(screens, texts) {
    this._screens = screens;
    this._texts = texts;
  }

  /**
   * @param {Outcome} outcome
   * @param {AbortSignal | null} signal the visit's
   * @returns {Promise<string>} "again", "done" or "pair"
   */
  async show(outcome, signal) {
    this._fill(outcome);
    const timer = this._countDown(outcome);
    try {
      const go = await this._screens.choice("result", signal, { stays: true });
      return go === "again" && outcome.then === "pair" ? "pair" : go;
    } finally {
      clearInterval(timer);
      this._empty();
    }
  }

  /** @param {Outcome} outcome */
  _fill(outcome) {
    byId("outcome", HTMLElement).dataset.outcome = outcome.kind;
    document.querySelector("#outcome-mark path")?.setAttribute("d", MARKS[outcome.kind]);
    byId("outcome-title", HTMLElement).textContent = outcome.title;
    byId("outcome-detail", HTMLElement).textContent = outcome.detail ?? "";
    byId("outcome-fine", HTMLElement).textContent = outcome.fine ?? "";
    const reasons = (outcome.reasons ?? []).map((reason) => element("li", {}, reason));
    byId("outcome-reasons", HTMLElement).replaceChildren(...reasons);
    const again = byId("again", HTMLElement);
    again.hidden = outcome.again === undefined;
    again.textContent = outcome.again ?? "";
    const done = byId("done", HTMLElement);
    done.textContent = this._texts.get("done");
    done.classList.toggle("primary", outcome.again === undefined);
  }

  /** @param {Outcome} outcome */
  _countDown({ seconds, then }) {
    const end = performance.now() + seconds * 1000;
    const bar = byId("outcome-bar", HTMLElement);
    bar.parentElement?.toggleAttribute("hidden", seconds === 0);
    const tick = () => {
      const left = Math.max(0, (end - performance.now()) / 1000);
      bar.style.setProperty("--left", String(seconds && left / seconds));
      byId("outcome-left", HTMLElement).textContent = seconds
        ? this._texts.get(`left.${then}`, { seconds: Math.ceil(left) })
        : "";
      if (seconds && left === 0) {
        this._screens.choose(then);
      }
    };
    tick();
    return setInterval(tick, 250);
  }

  _empty() {
    for (const id of ["outcome-title", "outcome-detail", "outcome-reasons", "outcome-fine"]) {
      byId(id, HTMLElement).replaceChildren();
    }
  }
}
