namespace FaceClient
{
    /// <summary>Stable codes of problems; the service's docs/errors.md tells what each means.</summary>
    public static class Codes
    {
        public const string InvalidRequest = "invalid_request";
        public const string Unauthenticated = "unauthenticated";
        public const string NotAllowed = "not_allowed";
        public const string DirectoryNotAllowed = "directory_not_allowed";
        public const string NotFound = "not_found";
        public const string SubjectNotFound = "subject_not_found";
        public const string CollectionNotFound = "collection_not_found";
        public const string ProfileNotFound = "profile_not_found";
        public const string DuplicateNotFound = "duplicate_not_found";
        public const string ApiKeyNotFound = "api_key_not_found";
        public const string MethodNotAllowed = "method_not_allowed";
        public const string SubjectExists = "subject_exists";
        public const string DuplicateSubject = "duplicate_subject";
        public const string DuplicateResolved = "duplicate_resolved";
        public const string ApiKeyExists = "api_key_exists";
        public const string SubjectMismatch = "subject_mismatch";
        public const string ModelMismatch = "model_mismatch";
        public const string IdempotencyConflict = "idempotency_conflict";
        public const string LivenessUsed = "liveness_used";
        public const string PurgeHeld = "purge_held";
        public const string LivenessExpired = "liveness_expired";
        public const string ImageTooLarge = "image_too_large";
        public const string TooManyImages = "too_many_images";
        public const string UnsupportedImage = "unsupported_image";
        public const string NoUsableFace = "no_usable_face";
        public const string DirectoryNotFound = "directory_not_found";
        public const string InconsistentImages = "inconsistent_images";
        public const string InvalidEmbedding = "invalid_embedding";
        public const string LivenessFailed = "liveness_failed";
        public const string LivenessRequired = "liveness_required";
        public const string RateLimited = "rate_limited";
        public const string SubjectLocked = "subject_locked";
        public const string TemplateTampered = "template_tampered";
        public const string RecordTampered = "record_tampered";
        public const string AuditTampered = "audit_tampered";
        public const string InternalError = "internal_error";
        public const string Overloaded = "overloaded";
        public const string DatabaseUnavailable = "database_unavailable";
        public const string DatabaseReadOnly = "database_read_only";
        public const string DatabaseStandby = "database_standby";
        public const string ClocksDisagree = "clocks_disagree";
        public const string CameraUnavailable = "camera_unavailable";
        public const string KeyServiceUnavailable = "key_service_unavailable";
        public const string DatabaseNotMigrated = "database_not_migrated";
        public const string DatabaseRightMissing = "database_right_missing";
        public const string DatabaseUnsuitable = "database_unsuitable";
        public const string DatabaseDistributed = "database_distributed";
        public const string MasterKeyMissing = "master_key_missing";
        public const string MasterKeyInvalid = "master_key_invalid";
        public const string ModelUnavailable = "model_unavailable";
        public const string LivenessModelsUnavailable = "liveness_models_unavailable";
        public const string LandmarksUnavailable = "landmarks_unavailable";
    }
}
