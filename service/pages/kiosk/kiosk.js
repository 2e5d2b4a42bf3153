// A camera page: the kiosk is paired, then serves one person after the other.

import { Api } from "../common/api.js";
import { byId } from "../common/dom.js";
import { chooseLanguage, takeFragment } from "../common/fragment.js";
import { Texts } from "../common/texts.js";
import { Camera } from "./camera.js";
import { EN } from "./en.js";
import { ended, failureOf } from "./failures.js";
import { Guide } from "./guide.js";
import { KO } from "./ko.js";
import { OutcomeScreen } from "./outcome.js";
import { Oval } from "./oval.js";
import { allowed, askKey, pairingOf } from "./pairing.js";
import { Screens } from "./screens.js";
import { Person, perform } from "./visit.js";
import { Gone } from "./watch.js";

/** @typedef {import("./visit.js").Task} Task */
/** @typedef {import("./visit.js").KioskParts} KioskParts */

const fragment = takeFragment();
const asked = chooseLanguage(fragment.get("lang"), navigator.languages);
const texts = new Texts({ en: EN, ko: KO }, asked);
const screens = new Screens();
const outcomes = new OutcomeScreen(screens, texts);
const pairing = pairingOf(fragment);
const wanted = pairing.tasks;
const api = new Api(fragment.get("key") ?? "", texts.language);
/** @type {KioskParts} */
const parts = { api, camera: new Camera(), guide: new Guide(texts, new Oval()), texts, screens, pairing };

/** @param {import("../common/fragment.js").Language} language */
function setLanguage(language) {
  texts.language = api.language = language;
  document.documentElement.lang = language;
  document.title = texts.get("title");
  texts.apply(document);
  byId("language", HTMLElement).lang = language === "ko" ? "en" : "ko";
}

/** Until there is a key that may do something of what is wanted here. */
async function pair() {
  for (let tries = 0; ; tries += 1) {
    if (!api.hasKey) {
      api.useKey(await askKey(screens, texts, pairing));
    }
    byId("wait-title", HTMLElement).textContent = texts.get("wait.pair");
    screens.show("wait");
    try {
      pairing.tasks = await allowed(api, wanted);
      return;
    } catch (error) {
      repaired(await outcomes.show(failureOf(error, texts, tries), null));
    }
  }
}

/** @param {string} go what was chosen after something went wrong */
function repaired(go) {
  if (go === "pair") {
    api.useKey("");
  }
}

/**
 * One person's visit.
 * @param {Task} task
 */
async function visit(task) {
  const visit = new AbortController();
  const person = new Person();
  screens.onCancel = () => visit.abort();
  try {
    await untilAnswered(task, person, visit.signal);
  } catch (error) {
    if (!visit.signal.aborted && !(error instanceof Gone)) {
      throw error;
    }
  } finally {
    visit.abort();
    screens.onCancel = () => undefined;
    screens.forget();
    setLanguage(asked); // whoever comes next may speak another one than this person chose
  }
}

/**
 * @param {Task} task
 * @param {Person} person
 * @param {AbortSignal} signal
 */
async function untilAnswered(task, person, signal) {
  for (let tries = 0; ; tries += 1) {
    const outcome = await perform(task, parts, person, signal).catch((error) => {
      if (signal.aborted || error instanceof Gone) {
        throw error;
      }
      const failure = failureOf(error, texts, tries);
      return failure.then === "again" && screens.isAloneIn(failure.seconds) ? ended(failure) : failure;
    });
    const go = await outcomes.show(outcome, signal);
    if (go !== "again") {
      return repaired(go);
    }
    if (outcome.asksAgain) {
      person.forgetName();
    }
  }
}

async function serve() {
  for (;;) {
    if (!api.hasKey) {
      await pair();
    }
    for (const button of document.querySelectorAll(".task")) {
      const task = /** @type {HTMLElement} */ (button).dataset.go;
      button.toggleAttribute("hidden", !pairing.tasks.some((one) => one === task));
    }
    const task = await screens.choice("home", null, { stays: true });
    await visit(/** @type {Task} */ (task));
  }
}

byId("language", HTMLElement).addEventListener("click", () => {
  setLanguage(texts.language === "ko" ? "en" : "ko");
});
// An address typed into an open page changes its fragment alone: the kiosk is paired anew, by that.
addEventListener("hashchange", () => location.reload());
setLanguage(asked);
await pair();
await serve();
