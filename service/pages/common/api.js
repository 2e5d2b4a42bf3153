// Calls of the public API with the key that the page was given. The key is kept in this object alone.

/** @typedef {import("./fragment.js").Language} Language */

/** No answer in this time is none. */
const MOST_SECONDS = 30;

/** To wait where an answer asks to come back later and does not say when. */
const RETRY_SECONDS = 2;

/** What subjects and collections may be called, as the service has it. */
const NAME = /^[A-Za-z0-9._:@-]+$/;
const MOST_LETTERS = 128;

/** Codes of our own, beside those of the service: it did not answer, or something else did. */
export const UNREACHABLE = "unreachable";
export const NOT_OURS = "not_ours";

/**
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} title
 * @property {string} detail
 * @property {string} requestId
 * @property {any[]} [errors]
 * @property {any} [liveness]
 */

/** A call that came to nothing. `code` is stable; `title` and `detail` are in the caller's language. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where there was no answer
   * @param {Partial<Problem> & {code: string}} problem
   * @param {number} retryAfter seconds; 0: nobody said so
   */
  constructor(status, problem, retryAfter = 0) {
    super(problem.code);
    this.status = status;
    this.code = problem.code;
    this.title = problem.title ?? "";
    this.detail = problem.detail ?? "";
    this.requestId = problem.requestId ?? "";
    this.errors = problem.errors ?? [];
    this.liveness = problem.liveness ?? null;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may go well later: the service is busy, or the caller has asked too often. */
  get isBusy() {
    return (this.status === 503 || this.status === 429) && this.code !== "subject_locked";
  }
}

/**
 * @typedef {object} CallOptions
 * @property {Record<string, unknown>} [json]
 * @property {FormData} [form]
 * @property {Record<string, string | number | undefined>} [query]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal] aborts; then the call is rejected by an AbortError
 * @property {readonly number[]} [also] statuses that are answers too: `readyz` tells by 503 what is missing
 */

export class Api {
  /**
   * @param {string} key
   * @param {Language} language of the sentences in answers
   */
  constructor(key, language) {
    this._key = key;
    this.language = language;
  }

  get hasKey() {
    return this._key !== "";
  }

  /** @param {string} key of all further calls; empty: none */
  useKey(key) {
    this._key = key;
  }

  /**
   * The answer's JSON, or an ApiError. Addresses are relative to the page, whatever prefix it has.
   * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} method
   * @param {string} path without a slash in front: `admin/subjects`
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, options = {}) {
    const answer = await this._fetched(method, path, options);
    const content = await readAs(answer, "json");
    const isAnswer = answer.ok || (options.also?.includes(answer.status) && content?.code === undefined);
    if (!isAnswer) {
      throw problemOf(answer, content);
    }
    if (content === null) {
      throw new ApiError(answer.status, { code: NOT_OURS });
    }
    return content;
  }

  /**
   * The answer as text: `metrics`.
   * @param {string} path
   * @param {CallOptions} [options]
   * @returns {Promise<string>}
   */
  async text(path, options = {}) {
    const answer = await this._fetched("GET", path, options);
    if (!answer.ok) {
      throw problemOf(answer, await readAs(answer, "json"));
    }
    return (await readAs(answer, "text")) ?? "";
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {CallOptions} options
   * @returns {Promise<Response>}
   */
  async _fetched(method, path, { json, form, query = {}, headers = {}, signal }) {
    const address = new URL(path, document.baseURI);
    address.hash = "";
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") {
        address.searchParams.set(name, String(value));
      }
    }
    const late = AbortSignal.timeout(MOST_SECONDS * 1000);
    try {
      return await fetch(address, {
        method,
        headers: {
          ...(this._key ? { Authorization: `Bearer ${this._key}` } : {}),
          "Accept-Language": this.language,
          ...(json ? { "Content-Type": "application/json" } : {}),
          ...headers,
        },
        body: json ? JSON.stringify(json) : form,
        credentials: "omit",
        cache: "no-store",
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new ApiError(0, { code: UNREACHABLE }, RETRY_SECONDS);
    }
  }
}

/**
 * Whether a subject or a collection may be called so. Dots alone would name a folder in a path.
 * @param {string} text
 * @param {number} [most] letters
 */
export function isName(text, most = MOST_LETTERS) {
  return NAME.test(text) && text.length <= most && text !== "." && text !== "..";
}

/**
 * What `encodeURIComponent` leaves of a subject's or a collection's name for a path.
 * @param {TemplateStringsArray} parts
 * @param {...string} names
 * @returns {string}
 */
export function pathOf(parts, ...names) {
  return parts.reduce((path, part, index) => path + encodeURIComponent(names[index - 1]) + part);
}

/**
 * @param {Response} answer
 * @param {"json" | "text"} kind
 * @returns {Promise<any>} null where it is not of that kind, or broke off
 */
async function readAs(answer, kind) {
  try {
    return await answer[kind]();
  } catch {
    return null;
  }
}

/**
 * @param {Response} answer
 * @param {any} content
 * @returns {ApiError}
 */
function problemOf(answer, content) {
  const said = Number(answer.headers.get("Retry-After"));
  const isBusy = answer.status === 503 || answer.status === 429;
  const retryAfter = said > 0 ? said : isBusy ? RETRY_SECONDS : 0;
  const isOurs = typeof content?.code === "string";
  return new ApiError(answer.status, isOurs ? content : { code: NOT_OURS }, retryAfter);
}
