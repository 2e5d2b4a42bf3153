// The page: who is let in, which view is shown, in which language.

import { ApiError } from "../common/api.js";
import { byId, element } from "../common/dom.js";
import { chooseLanguage, takeFragment } from "../common/fragment.js";
import { Texts } from "../common/texts.js";
import { showAudit } from "./audit_view.js";
import { showBench } from "./bench_view.js";
import { showCollections } from "./collections_view.js";
import { Context } from "./context.js";
import { showDuplicates } from "./duplicates_view.js";
import { EN } from "./en.js";
import { showKeys } from "./keys_view.js";
import { KO } from "./ko.js";
import { showPeople } from "./people_view.js";
import { problemPanel } from "./problem.js";
import { showSignIn } from "./sign_in.js";
import { showState } from "./state_view.js";

/** @typedef {import("./context.js").View} View */

/** @type {Record<string, View>} */
const VIEWS = {
  state: showState,
  people: showPeople,
  duplicates: showDuplicates,
  collections: showCollections,
  keys: showKeys,
  audit: showAudit,
  bench: showBench,
};

/** Those that show one collection, which is chosen at the top. */
const OF_ONE_COLLECTION = new Set(["state", "people", "duplicates", "bench"]);

/** In that language itself, for those who read only that. */
const OTHER_LANGUAGE = { ko: "English", en: "한국어" };

const SEEN_MILLISECONDS = 8_000;

const main = byId("main", HTMLElement);
const picker = byId("collection", HTMLSelectElement);
const fragment = takeFragment();
let texts = textsIn(chooseLanguage(fragment.get("lang"), navigator.languages));
/** @type {Context | null} */
let context = null;
let hideSaid = 0;

/** @param {import("../common/fragment.js").Language} language */
function textsIn(language) {
  return new Texts({ en: EN, ko: KO }, language);
}

/** Those that the key may see. */
function offeredViews() {
  return Object.keys(VIEWS).filter((name) => name !== "keys" || context?.isUnbound);
}

/** The view that the address names. */
function viewName() {
  const name = new URLSearchParams(location.hash.slice(1)).get("view") ?? "";
  return offeredViews().includes(name) ? name : "state";
}

/** @param {string} view */
function addressOf(view) {
  return `#${new URLSearchParams({ view, lang: texts.language })}`;
}

/** What stands around the views: words, links, the collections to choose from. */
function drawFrame() {
  document.documentElement.lang = texts.language;
  texts.apply(document);
  const language = byId("language", HTMLButtonElement);
  language.textContent = OTHER_LANGUAGE[texts.language];
  language.lang = texts.language === "ko" ? "en" : "ko";
  byId("leave", HTMLElement).hidden = context === null;
  byId("choose", HTMLElement).hidden = context === null || !OF_ONE_COLLECTION.has(viewName());
  byId("brand", HTMLAnchorElement).href = addressOf("state");
  const links = offeredViews().map((name) => {
    const current = name === viewName() && "page";
    return element(
      "li",
      {},
      element("a", { href: addressOf(name), "aria-current": current }, texts.get(`view.${name}`)),
    );
  });
  const views = byId("views", HTMLElement);
  views.hidden = context === null;
  views.replaceChildren(element("ul", {}, ...links));
  views.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  drawPicker();
}

function drawPicker() {
  const names = context?.collections.map((one) => one.collection) ?? [];
  picker.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  picker.value = context?.chosen ?? "";
}

/**
 * A new place for each view: what an earlier one still waits for falls into a place that nobody sees.
 * @param {boolean} [isFresh] whether the collections were read just now
 */
async function showView(isFresh = false) {
  drawFrame();
  if (context === null) return askForKey();
  const name = viewName();
  document.title = `${texts.get(`view.${name}`)} · ${texts.get("title")}`;
  const place = element("div", { class: `view ${name}` });
  main.replaceChildren(place);
  const shown = VIEWS[name](context, place, isFresh);
  place.querySelector("h1")?.focus();
  await shown;
}

function askForKey() {
  document.title = texts.get("title");
  showSignIn(main, texts, enter);
}

/**
 * Collections are for every key that administers, keys only for one that is bound to none.
 * @param {string} key
 */
async function enter(key) {
  const made = new Context(key, texts, say);
  made.onchange = drawPicker;
  await made.readCollections();
  made.isUnbound = await mayAsk(() => made.calls.apiKeys());
  await made.readMetrics();
  context = made;
  await showView(true);
}

/** @param {() => Promise<unknown>} call */
async function mayAsk(call) {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof ApiError && ["not_allowed", "not_found"].includes(error.code)) return false;
    throw error;
  }
}

function leave() {
  context = null;
  void showView();
  main.querySelector("h1")?.focus();
}

/**
 * @param {string} message
 * @param {boolean} isSeen
 */
function say(message, isSeen) {
  const said = byId("said", HTMLElement);
  said.textContent = message;
  said.classList.toggle("seen", isSeen);
  clearTimeout(hideSaid);
  hideSaid = setTimeout(() => said.classList.remove("seen"), SEEN_MILLISECONDS);
}

/** @param {string} key */
async function enterByAddress(key) {
  try {
    await enter(key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    askForKey();
    main.prepend(problemPanel(texts, error, () => void enterByAddress(key)));
  }
}

byId("language", HTMLElement).addEventListener("click", () => {
  texts = textsIn(texts.language === "ko" ? "en" : "ko");
  context?.speak(texts);
  history.replaceState(null, "", addressOf(viewName()));
  void showView();
});
byId("leave", HTMLElement).addEventListener("click", leave);
byId("skip", HTMLElement).addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
picker.addEventListener("change", () => {
  if (context) context.chosen = picker.value;
  void showView();
});
addEventListener("hashchange", () => {
  const asked = takeFragment().get("key");
  if (asked) void enterByAddress(asked);
  else void showView();
});
// Browsers keep a page that was left, with its key, for whoever goes back to it.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

drawFrame();
const given = fragment.get("key");
if (given) void enterByAddress(given);
else askForKey();
