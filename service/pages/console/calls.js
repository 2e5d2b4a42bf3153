// The calls of the public API that the console makes, and what they answer (docs/http.md).

import { pathOf } from "../common/api.js";

/** @typedef {import("../common/api.js").Api} Api */
/** @typedef {import("./answers.js").Readiness} Readiness */
/** @typedef {import("./answers.js").Collection} Collection */
/** @typedef {import("./answers.js").CollectionSettings} CollectionSettings */
/** @typedef {import("./answers.js").PersonEntry} PersonEntry */
/** @typedef {import("./answers.js").Person} Person */
/** @typedef {import("./answers.js").Erasure} Erasure */
/** @typedef {import("./answers.js").Duplicate} Duplicate */
/** @typedef {import("./answers.js").Decision} Decision */
/** @typedef {import("./answers.js").AuditQuery} AuditQuery */
/** @typedef {import("./answers.js").AuditRecord} AuditRecord */
/** @typedef {import("./answers.js").ApiKey} ApiKey */
/** @typedef {import("./answers.js").NewApiKey} NewApiKey */
/** @typedef {import("./answers.js").Check} Check */
/** @typedef {import("./answers.js").Token} Token */

const MOST_COLLECTIONS = 100;
/* Of one page: as many as the service answers at once. */

export class Calls {
  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /**
   * Also where the service is not ready: it then says why.
   * @returns {Promise<Readiness>}
   */
  readiness() {
    return this.api.call("GET", "readyz", { also: [503] });
  }

  /** @returns {Promise<string>} Prometheus' text */
  metrics() {
    return this.api.text("metrics");
  }

  /** @returns {Promise<Collection[]>} all that the key is let into */
  async collections() {
    const found = [];
    let cursor;
    do {
      const query = { limit: MOST_COLLECTIONS, cursor };
      const page = await this.api.call("GET", "admin/collections", { query });
      found.push(...page.collections);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return found;
  }

  /**
   * @param {string} name
   * @param {CollectionSettings} settings
   * @returns {Promise<Collection>}
   */
  createCollection(name, settings) {
    return this.api.call("PUT", pathOf`admin/collections/${name}`, { json: { ...settings } });
  }

  /**
   * @param {string} name
   * @param {CollectionSettings} changes
   * @returns {Promise<Collection>}
   */
  changeCollection(name, changes) {
    return this.api.call("PATCH", pathOf`admin/collections/${name}`, { json: { ...changes } });
  }

  /**
   * @param {string} name
   * @returns {Promise<{collection: string, templatesDeleted: number}>}
   */
  deleteCollection(name) {
    return this.api.call("DELETE", pathOf`admin/collections/${name}`);
  }

  /**
   * @param {string} collection
   * @param {number} limit
   * @param {string} [cursor]
   * @returns {Promise<{subjects: PersonEntry[], nextCursor: string | null}>}
   */
  people(collection, limit, cursor) {
    return this.api.call("GET", "admin/subjects", { query: { collection, limit, cursor } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @returns {Promise<Person>}
   */
  person(collection, subjectId) {
    return this.api.call("GET", pathOf`admin/subjects/${subjectId}`, { query: { collection } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @returns {Promise<Record<string, unknown>>}
   */
  exported(collection, subjectId) {
    const path = pathOf`admin/subjects/${subjectId}/export`;
    return this.api.call("GET", path, { query: { collection } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @returns {Promise<Erasure>}
   */
  deletePerson(collection, subjectId) {
    return this.api.call("DELETE", pathOf`admin/subjects/${subjectId}`, { query: { collection } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @returns {Promise<Erasure>}
   */
  withdrawConsent(collection, subjectId) {
    const path = pathOf`admin/subjects/${subjectId}/consent`;
    return this.api.call("DELETE", path, { query: { collection } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @returns {Promise<unknown>}
   */
  unlock(collection, subjectId) {
    const path = pathOf`admin/subjects/${subjectId}/unlock`;
    return this.api.call("POST", path, { query: { collection } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId
   * @param {string} to
   * @returns {Promise<Person>}
   */
  rename(collection, subjectId, to) {
    const path = pathOf`admin/subjects/${subjectId}/rename`;
    return this.api.call("POST", path, { query: { collection }, json: { to } });
  }

  /**
   * @param {string} collection
   * @param {string} subjectId who stays
   * @param {string} from who is joined to them
   * @param {boolean} force although the faces differ
   * @returns {Promise<Person>}
   */
  merge(collection, subjectId, from, force) {
    const path = pathOf`admin/subjects/${subjectId}/merge`;
    return this.api.call("POST", path, { query: { collection }, json: { from, force } });
  }

  /**
   * @param {string} collection
   * @param {"open" | "resolved"} status
   * @param {number} limit
   * @param {string} [cursor]
   * @returns {Promise<{duplicates: Duplicate[], nextCursor: string | null}>}
   */
  duplicates(collection, status, limit, cursor) {
    return this.api.call("GET", "admin/duplicates", { query: { collection, status, limit, cursor } });
  }

  /**
   * @param {Duplicate} duplicate
   * @param {Decision} decision
   * @param {boolean} force although it was decided otherwise before
   * @returns {Promise<Duplicate>}
   */
  resolve({ duplicateId, collection }, decision, force) {
    const path = pathOf`admin/duplicates/${duplicateId}/resolve`;
    return this.api.call("POST", path, { query: { collection }, json: { decision, force } });
  }

  /**
   * @param {AuditQuery} query
   * @returns {Promise<{records: AuditRecord[], nextCursor: number | null}>}
   */
  audit(query) {
    return this.api.call("GET", "admin/audit", { query: { ...query } });
  }

  /** @returns {Promise<{apiKeys: ApiKey[]}>} */
  apiKeys() {
    return this.api.call("GET", "admin/apikeys");
  }

  /**
   * @param {NewApiKey} key
   * @returns {Promise<ApiKey & {apiKey: string}>} with the secret, this once
   */
  createApiKey(key) {
    return this.api.call("POST", "admin/apikeys", { json: { ...key } });
  }

  /**
   * @param {string} name
   * @returns {Promise<ApiKey>}
   */
  revokeApiKey(name) {
    return this.api.call("DELETE", pathOf`admin/apikeys/${name}`);
  }

  /**
   * @param {File} photograph
   * @returns {Promise<Check>}
   */
  check(photograph) {
    return this.api.call("POST", "check", { form: formOf(photograph) });
  }

  /**
   * @param {File} photograph
   * @returns {Promise<Token>}
   */
  token(photograph) {
    return this.api.call("POST", "token/images", { form: formOf(photograph) });
  }
}

/** @param {File} photograph */
function formOf(photograph) {
  const form = new FormData();
  form.append("images", photograph);
  return form;
}
