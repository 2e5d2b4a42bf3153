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
import { Person, walk } from "./visit.js";
import { Gone } from "./watch.js";

/** @typedef {import("./visit.js").Door} Door */
/** @typedef {import("./visit.js").KioskKit} KioskKit */

const fragment = takeFragment();
const asked = chooseLanguage(fragment.get("lang"), navigator.languages);
const texts = new Texts({ en: EN, ko: KO }, asked);
const screens = new Screens();
const outcomes = new OutcomeScreen(screens, texts);
const pairing = pairingOf(fragment);
const wanted = pairing.doors;
const api = new Api(fragment.get("key") ?? "", texts.language);
/** @type {KioskKit} */
const kit = { api, camera: new Camera(), guide: new Guide(texts, new Oval()), texts, screens, pairing };

/** @param {import("../common/fragment.js").Language} language */
function speak(language) {
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
      pairing.doors = await allowed(api, wanted);
      return;
    } catch (error) {
      repaired(await outcomes.show(failureOf(error, texts, tries), new AbortController().signal));
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
 * @param {Door} door
 */
async function visit(door) {
  const visit = new AbortController();
  const person = new Person();
  screens.onCancel = () => visit.abort();
  try {
    await untilAnswered(door, person, visit.signal);
  } catch (error) {
    if (!visit.signal.aborted && !(error instanceof Gone)) {
      throw error;
    }
  } finally {
    visit.abort();
    screens.onCancel = () => undefined;
    screens.forget();
  }
}

/**
 * @param {Door} door
 * @param {Person} person
 * @param {AbortSignal} signal
 */
async function untilAnswered(door, person, signal) {
  for (let tries = 0; ; tries += 1) {
    const outcome = await walk(door, kit, person, signal).catch((error) => {
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
    for (const button of document.querySelectorAll(".door")) {
      const door = /** @type {HTMLElement} */ (button).dataset.go;
      button.toggleAttribute("hidden", !pairing.doors.some((one) => one === door));
    }
    const door = await screens.choice("home", null, { stays: true });
    await visit(/** @type {Door} */ (door));
  }
}

byId("language", HTMLElement).addEventListener("click", () => {
  speak(texts.language === "ko" ? "en" : "ko");
});
speak(asked);
await pair();
await serve();
