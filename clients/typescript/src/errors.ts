/** Stable; the service's docs/errors.md lists what each means. Codes that are new are kept as they come. */
export type Code =
  | "invalid_request"
  | "unauthenticated"
  | "not_allowed"
  | "directory_not_allowed"
  | "not_found"
  | "subject_not_found"
  | "collection_not_found"
  | "profile_not_found"
  | "duplicate_not_found"
  | "api_key_not_found"
  | "method_not_allowed"
  | "subject_exists"
  | "duplicate_subject"
  | "duplicate_resolved"
  | "api_key_exists"
  | "subject_mismatch"
  | "model_mismatch"
  | "idempotency_conflict"
  | "liveness_used"
  | "purge_held"
  | "liveness_expired"
  | "image_too_large"
  | "too_many_images"
  | "unsupported_image"
  | "no_usable_face"
  | "directory_not_found"
  | "inconsistent_images"
  | "invalid_embedding"
  | "liveness_failed"
  | "liveness_required"
  | "rate_limited"
  | "subject_locked"
  | "template_tampered"
  | "record_tampered"
  | "audit_tampered"
  | "internal_error"
  | "overloaded"
  | "database_unavailable"
  | "database_read_only"
  | "database_standby"
  | "clocks_disagree"
  | "camera_unavailable"
  | "key_service_unavailable"
  | "database_not_migrated"
  | "database_right_missing"
  | "database_unsuitable"
  | "database_distributed"
  | "master_key_missing"
  | "master_key_invalid"
  | "model_unavailable"
  | "liveness_models_unavailable"
  | "landmarks_unavailable";

/** A call came to nothing: `ServiceUnreachable`, `UnexpectedAnswer` or `Problem`. */
export class FaceClientError extends Error {
  override name = "FaceClientError";
}

/** No answer came: whether the service did what was asked is not known. */
export class ServiceUnreachable extends FaceClientError {
  override name = "ServiceUnreachable";
}

/** Something else than the service answered: a proxy, or a redirect, which is never followed. */
export class UnexpectedAnswer extends FaceClientError {
  override name = "UnexpectedAnswer";

  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(`${status}: ${sentence}`);
  }
}

/** A problem document (RFC 9457). */
export interface ProblemDocument {
  code: string;
  title?: string;
  detail?: string;
  requestId?: string;
  errors?: Record<string, unknown>[];
  liveness?: Record<string, unknown>;
}

/** The service refused. `errors`: particulars, such as the reasons of photographs. `liveness`: what the session
 * showed that this call has used up. `retryAfter`: seconds until another try makes sense, null where nobody tells.
 */
export class Problem extends FaceClientError {
  override name = "Problem";
  readonly code: Code | (string & {});
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors: Record<string, unknown>[];
  readonly liveness: Record<string, unknown> | null;

  constructor(
    readonly status: number,
    document: ProblemDocument,
    readonly retryAfter: number | null,
  ) {
    super(`${status} ${document.code}: ${document.detail ?? document.title ?? ""}`);
    this.code = document.code;
    this.title = document.title ?? "";
    this.detail = document.detail ?? "";
    this.requestId = document.requestId ?? "";
    this.errors = document.errors ?? [];
    this.liveness = document.liveness ?? null;
  }
}
