// What the address says after its #: never sent to a server, and forgotten here where it is secret.

/** @typedef {"ko" | "en"} Language */

/**
 * The fields of the fragment. Its key is taken out of the address at once: the bar, the history and
 * whoever looks at the screen have it no longer.
 * @returns {Map<string, string>}
 */
export function takeFragment() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const taken = new Map(fields);
  if (fields.has("key")) {
    fields.delete("key");
    const rest = fields.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
  }
  return taken;
}

/**
 * The language that was asked for, or the browser's first one of the two, or Korean.
 * @param {string | undefined} asked of the fragment
 * @param {readonly string[]} preferred the browser's, best first
 * @returns {Language}
 */
export function chooseLanguage(asked, preferred) {
  const tags = asked ? [asked, ...preferred] : preferred;
  for (const tag of tags) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "ko" || primary === "en") {
      return primary;
    }
  }
  return "ko";
}
