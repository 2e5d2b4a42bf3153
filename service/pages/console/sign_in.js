// The door: a key with the scope `admin`, typed in once and kept in the page's memory alone.

import { element } from "../common/dom.js";
import { showErrors, textField, valueIn } from "./fields.js";
import { attemptForm } from "./problem.js";

/** @typedef {import("../common/texts.js").Texts} Texts */

/**
 * @param {HTMLElement} place
 * @param {Texts} texts
 * @param {(key: string) => Promise<void>} enter rejects where the key does not open
 */
export function showSignIn(place, texts, enter) {
  const form = element("form", { novalidate: true, class: "panel sign-in" });
  form.append(
    element("h1", { tabindex: "-1" }, texts.get("sign_in.title")),
    element("p", {}, texts.get("sign_in.lead")),
    textField("key", texts.get("sign_in.key"), texts.get("sign_in.key.hint"), {
      type: "password",
      maxlength: 512,
    }),
    element("button", { class: "button primary" }, texts.get("sign_in.enter")),
    element("p", { class: "hint" }, texts.get("sign_in.make")),
    element("pre", { tabindex: "0" }, "face apikey create console --scope admin --scope token --expires 90d"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = valueIn(form, "key");
    if (!key)
      return showErrors(form, texts.get("form.problem"), [
        { id: "key", message: texts.get("sign_in.key.problem") },
      ]);
    void attemptForm({ texts }, form, { unauthenticated: "key", not_allowed: "key" }, () => enter(key));
  });
  place.replaceChildren(form);
}
