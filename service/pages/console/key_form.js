// A new API key: its name, what it may do, where and until when. Its secret is shown once.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { ask } from "./dialog.js";
import { copyable } from "./download.js";
import { choices, chosenIn, selectField, showErrors, textField, valueIn } from "./fields.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").NewApiKey} NewApiKey */

const SCOPES = ["token", "enroll", "verify", "search", "embedding", "admin"];
const DAYS = ["30", "90", "365", ""];
const DAY_MILLISECONDS = 86_400_000;
const NAME = /^[A-Za-z0-9._@-]{1,64}$/;

/**
 * @param {Context} context
 * @param {HTMLElement} place where the secret is shown
 * @returns {Promise<boolean>} whether one was made
 */
export function makeKey(context, place) {
  const { texts } = context;
  place.replaceChildren();
  return ask(context, {
    title: texts.get("keys.make"),
    content: fieldsOf(context),
    action: texts.get("keys.make"),
    ids: {
      name: "key-name",
      scopes: "scopes",
      collections: "collections",
      expiresAt: "expires",
      api_key_exists: "key-name",
    },
    isComplete: (form) => isComplete(context, form),
    submit: async (form) => {
      const made = await context.calls.createApiKey(keyOf(form));
      showSecret(context, place, made.name, made.apiKey);
    },
  });
}

/** @param {Context} context */
function fieldsOf({ texts, collections }) {
  const scopes = SCOPES.map((value) => ({ value, label: value, hint: texts.get(`scope.${value}`) }));
  const names = collections.map(({ collection }) => ({ value: collection, label: collection }));
  const lasts = DAYS.map(
    (days) =>
      /** @type {[string, string]} */ ([
        days,
        texts.get(days ? "keys.days" : "keys.never_expires", { days }),
      ]),
  );
  return [
    textField("key-name", texts.get("keys.name"), texts.get("keys.name.hint"), { maxlength: 64 }),
    choices("scopes", texts.get("keys.scopes"), texts.get("keys.scopes.hint"), "checkbox", scopes, []),
    choices(
      "collections",
      texts.get("keys.collections"),
      texts.get("keys.collections.hint"),
      "checkbox",
      names,
      [],
    ),
    selectField("expires", texts.get("keys.expires"), "", lasts, "365"),
  ];
}

/**
 * @param {Context} context
 * @param {HTMLFormElement} form
 */
function isComplete({ texts }, form) {
  const errors = [];
  if (!NAME.test(valueIn(form, "key-name")))
    errors.push({ id: "key-name", message: texts.get("keys.name.problem") });
  if (chosenIn(form, "scopes").length === 0)
    errors.push({ id: "scopes", message: texts.get("keys.scopes.problem") });
  if (errors.length) showErrors(form, texts.get("form.problem"), errors);
  return errors.length === 0;
}

/**
 * @param {HTMLFormElement} form
 * @returns {NewApiKey}
 */
function keyOf(form) {
  const days = Number(valueIn(form, "expires"));
  const collections = chosenIn(form, "collections");
  return {
    name: valueIn(form, "key-name"),
    scopes: chosenIn(form, "scopes"),
    ...(collections.length ? { collections } : {}),
    ...(days ? { expiresAt: new Date(Date.now() + days * DAY_MILLISECONDS).toISOString() } : {}),
  };
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {string} name
 * @param {string} secret
 */
function showSecret(context, place, name, secret) {
  const { texts } = context;
  const forget = () => place.replaceChildren();
  const title = element("h2", { tabindex: "-1" }, texts.get("keys.secret.title", { name }));
  place.replaceChildren(
    element(
      "section",
      { class: "panel attention" },
      title,
      element("p", {}, texts.get("keys.secret.once")),
      copyable(context, texts.get("keys.secret"), secret),
      element("div", { class: "actions" }, button(texts.get("keys.secret.done"), forget)),
    ),
  );
  // The dialog gives the focus back to its button when it closes; what changed is here.
  setTimeout(() => title.focus());
}
