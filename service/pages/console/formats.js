// Numbers, moments and durations as the reader's language writes them.

/** @typedef {import("../common/fragment.js").Language} Language */

const UNITS = /** @type {const} */ ([
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
]);

export class Formats {
  /** @param {Language} language */
  constructor(language) {
    this._language = language;
    this._whole = new Intl.NumberFormat(language);
    this._moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
    this._day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
    this._clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
    this._ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  }

  /** @param {number} number */
  whole(number) {
    return this._whole.format(Math.round(number));
  }

  /**
   * To three significant digits; very small rates by their power of ten, as the field writes them.
   * @param {number} number
   */
  rate(number) {
    if (number === 0) return "0";
    if (Math.abs(number) < 1e-4) {
      const [digits, power] = number.toExponential(1).split("e");
      return `${Number(digits)} × 10${superscript(Number(power))}`;
    }
    const form = { maximumSignificantDigits: 3 };
    return new Intl.NumberFormat(this._language, form).format(number);
  }

  /** @param {number} share 0 to 1 */
  percent(share) {
    const form = /** @type {const} */ ({ style: "percent", maximumFractionDigits: 1 });
    return new Intl.NumberFormat(this._language, form).format(share);
  }

  /** @param {number} bytes */
  bytes(bytes) {
    const steps = ["B", "KiB", "MiB", "GiB", "TiB"];
    const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), steps.length - 1);
    const form = { maximumFractionDigits: power === 0 ? 0 : 1 };
    return `${new Intl.NumberFormat(this._language, form).format(bytes / 1024 ** power)} ${steps[power]}`;
  }

  /** @param {number} seconds */
  latency(seconds) {
    const form = { maximumSignificantDigits: 3 };
    const number = new Intl.NumberFormat(this._language, form);
    return seconds < 1 ? `${number.format(seconds * 1000)} ms` : `${number.format(seconds)} s`;
  }

  /** @param {string | number | Date} at */
  moment(at) {
    return this._moment.format(new Date(at));
  }

  /** @param {string | number | Date} at */
  day(at) {
    return this._day.format(new Date(at));
  }

  /** @param {number} at */
  clock(at) {
    return this._clock.format(new Date(at));
  }

  /**
   * "3 hours ago", "in 12 minutes".
   * @param {string | number} at
   * @param {number} [now]
   */
  ago(at, now = Date.now()) {
    const seconds = (new Date(at).getTime() - now) / 1000;
    const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
    return unit ? this._ago.format(Math.round(seconds / unit[1]), unit[0]) : this._ago.format(0, "second");
  }
}

/** @param {string} model `buffalo_l@sha256:` and 64 digits, of which twelve tell it from any other */
export function shortModel(model) {
  return model.replace(/@sha256:([0-9a-f]{12})[0-9a-f]*/g, " · $1…");
}

/** @param {string | undefined} provider `CUDAExecutionProvider` */
export function deviceOf(provider) {
  return (provider ?? "–").replace(/ExecutionProvider$/, "");
}

/** @param {number} power */
function superscript(power) {
  return [...String(power)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
}
