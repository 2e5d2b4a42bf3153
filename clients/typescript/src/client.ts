import type * as answers from "./answers.js";
import { faceBody, given, path, requestOf, type Call, type Fields } from "./call.js";
import type { Face, Photo, Photos } from "./face.js";
import { answered, answerOf, pauseAfter, type Lost, type Outcome, type Retries } from "./outcome.js";

/** `language`: of what people read. `seconds`: for an answer, 60 where it is left out. */
export interface ClientOptions {
  key?: string;
  language?: "ko" | "en";
  seconds?: number;
  retries?: Retries;
}

/** `collection`: the service's `default` where it is left out. `signal`: gives the call up. */
export interface CallOptions {
  collection?: string;
  signal?: AbortSignal;
}

/** `profile`, `faces`: the collection's where they are left out. */
export interface FaceOptions extends CallOptions {
  profile?: string;
  faces?: answers.Faces;
}

/** `idempotencyKey`: under the same one a later call returns the first answer; left out, the tries of one call share one. */
export interface EnrollOptions extends FaceOptions {
  mode?: "create" | "add" | "replace";
  onDuplicate?: answers.DuplicatePolicy;
  consentReference?: string;
  expiresAt?: string;
  metadata?: Record<string, unknown>;
  idempotencyKey?: string;
}

export interface SearchOptions extends FaceOptions {
  limit?: number;
}

export interface PageOptions extends CallOptions {
  limit?: number;
  cursor?: string;
}

export interface AuditOptions {
  action?: string;
  collection?: string;
  subjectId?: string;
  since?: string;
  until?: string;
  limit?: number;
  cursor?: number;
  signal?: AbortSignal;
}

const SECONDS = 60;
const RETRIES: Retries = { most: 2, longestWait: 10 };

/** Every operation of the service is a method with its name. A refusal is thrown as `Problem`; a "no" is an answer. */
export class FaceClient {
  readonly url: string;
  readonly #headers: Record<string, string> = { Accept: "application/json" };
  readonly #milliseconds: number;
  readonly #retries: Retries;

  /** `url`: where the service is, with the prefix that a proxy gives it, if any. */
  constructor(url: string, options: ClientOptions = {}) {
    this.url = new URL(url).href.replace(/\/+$/, "");
    this.#milliseconds = (options.seconds ?? SECONDS) * 1000;
    this.#retries = options.retries ?? RETRIES;
    if (options.language !== undefined) this.#headers["Accept-Language"] = options.language;
    if (options.key !== undefined) this.#headers.Authorization = `Bearer ${checked(options.key.trim())}`;
  }

  /** The embedding of whoever stands before the service's camera. */
  tokenFromCamera(maxFrames?: number, options: { faces?: answers.Faces; signal?: AbortSignal } = {}) {
    return this.#post<answers.Token>("/token/camera", { maxFrames }, options);
  }

  /** The embedding of the photographs in a folder of the service's machine. */
  tokenFromDirectory(
    dirPath: string,
    options: { maxImages?: number; faces?: answers.Faces; signal?: AbortSignal } = {},
  ) {
    return this.#post<answers.Token>("/token/directory", { dirPath }, options);
  }

  /** The embedding of photographs of one person. */
  tokenFromImages(images: Photos, options: { faces?: answers.Faces; signal?: AbortSignal } = {}) {
    return this.#face<answers.Token>("/token/images", images, {}, options);
  }

  /** Whether a picture would do, before anybody is asked to verify with it. */
  check(image: Photo, options: { faces?: answers.Faces; signal?: AbortSignal } = {}) {
    return this.#face<answers.Check>("/check", image, {}, options);
  }

  /** Enrolls a person, unless somebody enrolled already looks the same: `duplicate_subject`. */
  enroll(subjectId: string, face: Face, options: EnrollOptions = {}) {
    const { idempotencyKey = randomKey(), ...others } = options;
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#face<answers.Enrollment>("/enroll", face, { subjectId }, others, headers);
  }

  /** Whether this is the person they say they are. */
  verify(subjectId: string, face: Face, options: FaceOptions = {}) {
    return this.#face<answers.Verification>("/verify", face, { subjectId }, options);
  }

  /** Whether this person is enrolled, under whatever name. */
  dedupe(face: Face, options: SearchOptions = {}) {
    return this.#face<answers.DuplicateCheck>("/dedupe", face, {}, options);
  }

  /** Whose face this is. */
  identify(face: Face, options: SearchOptions = {}) {
    return this.#face<answers.Identification>("/identify", face, {}, options);
  }

  /** Begins a liveness session: a random challenge, for one use within 90 seconds. */
  beginSession(purpose: "verify" | "enroll" | "search", options: CallOptions & { subjectId?: string } = {}) {
    return this.#post<answers.Session>("/liveness/sessions", { purpose }, options);
  }

  /** Sends the frames of one step, in the order in which they were taken, or lets the service's camera take them. */
  takeFrames(
    sessionId: string,
    step: number,
    frames: Photos | { camera: Record<string, never> },
    options: { signal?: AbortSignal } = {},
  ) {
    const where = path("liveness", "sessions", sessionId, "frames");
    const body = faceBody(frames, { step });
    return this.#send<answers.Frames>({ method: "POST", path: where, ...body, once: true, ...options });
  }

  /** Who is enrolled, by their ids; `cursor` is the `nextCursor` of the page before. */
  listSubjects(options: PageOptions = {}) {
    return this.#get<answers.SubjectList>("/admin/subjects", options);
  }

  /** One person, without vectors. */
  showSubject(subjectId: string, options: CallOptions = {}) {
    return this.#get<answers.Subject>(path("admin", "subjects", subjectId), options);
  }

  /** Everything that is held about a person, vectors included. */
  exportSubject(subjectId: string, options: CallOptions = {}) {
    return this.#get<answers.SubjectExport>(path("admin", "subjects", subjectId, "export"), options);
  }

  /** Forgets a person. */
  deleteSubject(subjectId: string, options: CallOptions = {}) {
    return this.#delete<answers.Erasure>(path("admin", "subjects", subjectId), options);
  }

  /** Forgets a person who takes their consent back. */
  withdrawConsent(subjectId: string, options: CallOptions = {}) {
    return this.#delete<answers.Erasure>(path("admin", "subjects", subjectId, "consent"), options);
  }

  /** Gives a person another id. */
  renameSubject(subjectId: string, to: string, options: CallOptions = {}) {
    return this.#change<answers.ChangedSubject>(path("admin", "subjects", subjectId, "rename"), { to }, options);
  }

  /** Takes the photographs of `from`, who is the same person, over to `subjectId`; `from` is gone then.
   * `force`: also where the two do not look the same, or were decided to be different people.
   */
  mergeSubject(subjectId: string, from: string, options: CallOptions & { force?: boolean } = {}) {
    const { force, ...others } = options;
    const where = path("admin", "subjects", subjectId, "merge");
    return this.#change<answers.ChangedSubject>(where, { from, force }, others);
  }

  /** Opens a person who was locked after too many refusals. */
  unlockSubject(subjectId: string, options: CallOptions = {}) {
    return this.#change<answers.ChangedSubject>(path("admin", "subjects", subjectId, "unlock"), undefined, options);
  }

  /** Those whom `onDuplicate: "flag"` has flagged, newest first; without a `status` those to decide. */
  listDuplicates(options: PageOptions & { status?: "open" | "resolved" } = {}) {
    return this.#get<answers.DuplicateList>("/admin/duplicates", options);
  }

  /** Says whether two who look alike are one person. `force`: also against an earlier decision. */
  resolveDuplicate(
    duplicateId: string,
    decision: answers.Decision,
    options: CallOptions & { force?: boolean } = {},
  ) {
    const { force, ...others } = options;
    const where = path("admin", "duplicates", duplicateId, "resolve");
    return this.#change<answers.FlaggedDuplicate>(where, { decision, force }, others);
  }

  /** The collections that the key is let into, a page at a time. */
  listCollections(options: Omit<PageOptions, "collection"> = {}) {
    return this.#get<answers.CollectionList>("/admin/collections", options);
  }

  /** A collection's settings, size and stated error rates. */
  showCollection(collection: string, options: { signal?: AbortSignal } = {}) {
    return this.#get<answers.Collection>(path("admin", "collections", collection), options);
  }

  /** Creates a collection, or sets all of its settings. */
  putCollection(collection: string, settings: answers.CollectionSettings = {}) {
    const where = path("admin", "collections", collection);
    return this.#send<answers.Collection>({ method: "PUT", path: where, json: { ...settings } });
  }

  /** Sets of a collection what is named. */
  changeCollection(collection: string, settings: answers.CollectionSettings) {
    const where = path("admin", "collections", collection);
    return this.#send<answers.Collection>({ method: "PATCH", path: where, json: { ...settings } });
  }

  /** Removes a collection with its people; `default` is emptied instead. */
  deleteCollection(collection: string) {
    return this.#delete<answers.CollectionErasure>(path("admin", "collections", collection), {});
  }

  /** All API keys, without the keys themselves. */
  listApiKeys() {
    return this.#get<answers.ApiKeyList>("/admin/apikeys", {});
  }

  /** Makes an API key; `apiKey` of the answer is shown this once. `collections`: the only ones it may touch. */
  createApiKey(
    name: string,
    scopes: readonly answers.Scope[],
    options: { collections?: readonly string[]; expiresAt?: string } = {},
  ) {
    return this.#change<answers.NewApiKey>("/admin/apikeys", { name, scopes, ...options }, {});
  }

  /** From now on the key opens nothing. */
  revokeApiKey(name: string) {
    return this.#delete<answers.ApiKey>(path("admin", "apikeys", name), {});
  }

  /** The audit log, newest first, a page at a time. */
  listAudit(options: AuditOptions = {}) {
    return this.#get<answers.AuditList>("/admin/audit", options);
  }

  /** Whether the process answers. */
  healthz(options: { signal?: AbortSignal } = {}) {
    return this.#get<answers.Health>("/healthz", options);
  }

  /** Whether it is ready; where it is not, `database` tells why. */
  readyz(options: { signal?: AbortSignal } = {}) {
    return this.#send<answers.Readiness>({ method: "GET", path: "/readyz", accepted: 503, ...options });
  }

  /** The numbers of the service, as Prometheus text. */
  metrics(options: { signal?: AbortSignal } = {}) {
    return this.#get<string>("/metrics", options);
  }

  #face<Answer>(
    where: string,
    face: Face,
    named: Record<string, string>,
    options: { signal?: AbortSignal },
    headers: Record<string, string> = {},
  ) {
    const { signal, ...fields } = options;
    const body = faceBody(face, { ...named, ...fields });
    return this.#send<Answer>({ method: "POST", path: where, headers, ...body, signal });
  }

  #post<Answer>(where: string, named: Fields, options: { signal?: AbortSignal }) {
    const { signal, ...fields } = options;
    const json = given({ ...named, ...fields });
    return this.#send<Answer>({ method: "POST", path: where, json, signal });
  }

  #get<Answer>(where: string, options: { signal?: AbortSignal }) {
    const { signal, ...query } = options;
    return this.#send<Answer>({ method: "GET", path: where, query, signal });
  }

  #change<Answer>(where: string, fields: Fields | undefined, options: CallOptions) {
    const { signal, ...query } = options;
    const body = fields && { json: given(fields) };
    return this.#send<Answer>({ method: "POST", path: where, query, ...body, once: true, signal });
  }

  /** Done twice it would answer that there is nobody. */
  #delete<Answer>(where: string, options: CallOptions) {
    const { signal, ...query } = options;
    return this.#send<Answer>({ method: "DELETE", path: where, query, once: true, signal });
  }

  async #send<Answer>(call: Call): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#try(call);
      const pause = pauseAfter(call, outcome, tries, this.#retries);
      if (pause === null) return answerOf(call, outcome) as Answer;
      await passed(pause, call.signal);
    }
  }

  async #try(call: Call): Promise<Outcome> {
    const late = AbortSignal.timeout(this.#milliseconds);
    const [address, request] = requestOf(this.url, { ...call, headers: { ...this.#headers, ...call.headers } });
    try {
      const response = await fetch(address, {
        ...request,
        cache: "no-store",
        credentials: "omit",
        redirect: "manual", // the key would go along
        referrerPolicy: "no-referrer",
        signal: call.signal ? AbortSignal.any([call.signal, late]) : late,
      });
      return await answered(response);
    } catch (error) {
      call.signal?.throwIfAborted();
      return lost(error, late.aborted);
    }
  }
}

function lost(error: unknown, late: boolean): Lost {
  const { message, cause } = error as Error;
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return { reason: why, late };
}

/** A key that no header can hold is refused here, where it is not quoted. */
function checked(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError("this is no API key");
  return key;
}

/** Without `randomUUID`, which pages have over HTTPS only. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function passed(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", end, { once: true });
  });
}
