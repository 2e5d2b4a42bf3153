/** What the service answers, by the names of its JSON fields. Moments are texts of RFC 3339.
 *
 * A field that a later version of the service adds stays in the answer.
 */

export type Band = "very_high" | "high" | "borderline" | "low" | "very_low";
export type Recommendation = "allow" | "recapture" | "deny";
export type DuplicatePolicy = "reject" | "flag" | "allow";
export type Faces = "one" | "dominant";
export type RequireLiveness = "none" | "verify" | "enroll" | "both";
export type Decision = "same_person" | "different_people";
export type Scope = "token" | "enroll" | "verify" | "search" | "embedding" | "admin";

export interface Quality {
  sharpness: number;
  brightness: number;
  overexposure: number;
  roll: number;
  norm: number | null;
  features: number | null;
}

export interface ImageOutcome {
  index: number;
  accepted: boolean;
  reason: string | null;
  advice: string | null;
  detectionScore: number | null;
  quality: Quality | null;
  ignoredFaces: number;
}

export interface DecisionWarning {
  code: string;
  message: string;
  expectedFalseCandidates: number | null;
  maxFalseCandidates: number | null;
}

export interface LivenessReason {
  code: string;
  message: string;
}

export interface Liveness {
  verdict: "live" | "attack_suspected" | "inconclusive";
  reasons: LivenessReason[];
}

/** `error`: why there is no embedding; a capture that fails is an answer, not an error. */
export interface Token {
  success: boolean;
  embedding: number[] | null;
  error: string | null;
  code: string | null;
  images: ImageOutcome[];
}

export interface FaceBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Check {
  usable: boolean;
  reason: string | null;
  advice: string | null;
  face: FaceBox | null;
  quality: Quality | null;
  ignoredFaces: number;
}

export interface ChallengeStep {
  step: number;
  do: string;
  message: string;
}

export interface Session {
  sessionId: string;
  challenge: ChallengeStep[];
  minFrames: number;
  maxFrames: number;
  expiresAt: string;
}

/** `next`: the step to go on with; Null when all are done. */
export interface Frames {
  accepted: boolean;
  next: number | null;
  advice: string | null;
}

export interface EnrolledDuplicate {
  subjectId: string | null;
  similarity: number | null;
}

export interface Enrollment {
  subjectId: string;
  collection: string;
  templateId: string;
  modelId: string;
  imagesUsed: number;
  images: ImageOutcome[];
  duplicates: EnrolledDuplicate[];
  duplicateThreshold: number | null;
  warnings: DecisionWarning[];
  liveness: Liveness | null;
  enrolledAt: string;
}

export interface Verification {
  subjectId: string;
  match: boolean;
  similarity: number | null;
  threshold: number;
  profile: string;
  band: Band;
  recommendation: Recommendation;
  modelId: string;
  images: ImageOutcome[];
  warnings: DecisionWarning[];
  liveness: Liveness | null;
}

export interface Candidate {
  subjectId: string;
  similarity: number | null;
  band: Band;
}

export interface SearchResult {
  candidates: Candidate[];
  threshold: number;
  profile: string;
  searched: number;
  images: ImageOutcome[];
  exact: boolean;
  expectedFalseCandidates: number | null;
  warnings: DecisionWarning[];
  liveness: Liveness | null;
}

export interface DuplicateCheck extends SearchResult {
  duplicate: boolean;
}

export interface Identification extends SearchResult {
  match: boolean;
}

export interface SubjectEntry {
  subjectId: string;
  collection: string;
  templates: number;
  enrolledAt: string;
}

export interface SubjectList {
  subjects: SubjectEntry[];
  nextCursor: string | null;
}

/** `lockedUntil`: of the key for which the person is locked longest. */
export interface Subject extends SubjectEntry {
  modelIds: string[];
  metadata: Record<string, unknown> | null;
  expiresAt: string | null;
  consentReference: string | null;
  lockedUntil: string | null;
}

export interface ChangedSubject extends Subject {
  auditId: string;
}

export interface ExportedTemplate {
  templateId: string;
  modelId: string;
  createdAt: string;
  samples: number;
  embedding: number[];
}

export interface ExportedRecord {
  auditId: string;
  at: string;
  action: string;
  outcome: string;
  caller: string;
}

export interface KeptAnswer {
  caller: string;
  idempotencyKey: string;
}

export interface Refusals {
  caller: string;
  number: number;
  since: string;
  lockedUntil: string | null;
}

export interface ExportedDuplicate {
  duplicateId: string;
  similarity: number;
  flaggedAt: string;
  decision: Decision | null;
  decidedAt: string | null;
  decidedBy: string | null;
}

export interface SubjectExport {
  subjectId: string;
  collection: string;
  enrolledAt: string;
  expiresAt: string | null;
  consentReference: string | null;
  metadata: Record<string, unknown> | null;
  templates: ExportedTemplate[];
  audit: ExportedRecord[];
  answers: KeptAnswer[];
  refusals: Refusals[];
  duplicates: ExportedDuplicate[];
  exportedAt: string;
  auditId: string;
}

export interface Erasure {
  subjectId: string;
  collection: string;
  templatesDeleted: number;
  deletedAt: string;
  auditId: string;
}

/** `subjectId`: who was enrolled. `duplicateOf`: whom they looked like. */
export interface FlaggedDuplicate {
  duplicateId: string;
  collection: string;
  subjectId: string;
  duplicateOf: string;
  similarity: number | null;
  flaggedAt: string;
  status: "open" | "resolved";
  decision: Decision | null;
  decidedAt: string | null;
  decidedBy: string | null;
}

export interface DuplicateList {
  duplicates: FlaggedDuplicate[];
  nextCursor: string | null;
}

/** What is left out: by `putCollection` set to its default, by `changeCollection` left as it is. */
export interface CollectionSettings {
  thresholdProfiles?: Record<string, number>;
  duplicatePolicy?: DuplicatePolicy;
  duplicateProfile?: string;
  faces?: Faces | null;
  requireLiveness?: RequireLiveness;
  retentionDays?: number | null;
  maxFalseCandidates?: number;
}

export interface Profile {
  threshold: number;
  falseMatchRate: number | null;
  falseMatchRateBound: number | null;
  falseNonMatchRate: number | null;
  falseNonMatchRateBound: number | null;
  source: string;
}

/** The lowest similarity of each; below `low` is very low. */
export interface Bands {
  veryHigh: number;
  high: number;
  borderline: number;
  low: number;
}

export interface Collection {
  collection: string;
  modelId: string | null;
  thresholdProfiles: Record<string, Profile>;
  ownThresholds: Record<string, number>;
  bands: Bands;
  duplicatePolicy: DuplicatePolicy;
  duplicateProfile: string;
  faces: Faces | null;
  requireLiveness: RequireLiveness;
  templates: number;
  expectedFalseCandidates: number | null;
  maxFalseCandidates: number;
  searchThreshold: number;
  createdAt: string;
  retentionDays: number | null;
}

export interface CollectionList {
  collections: Collection[];
  nextCursor: string | null;
}

export interface CollectionErasure {
  collection: string;
  templatesDeleted: number;
}

export interface ApiKey {
  name: string;
  scopes: Scope[];
  collections: string[];
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
}

/** `apiKey`: the key itself, in this answer only. */
export interface NewApiKey extends ApiKey {
  apiKey: string;
}

export interface ApiKeyList {
  apiKeys: ApiKey[];
}

export interface AuditRecord {
  sequence: number;
  auditId: string;
  at: string;
  caller: string;
  action: string;
  collection: string | null;
  subject: string | null;
  outcome: string;
  requestId: string | null;
  digest: string | null;
}

export interface AuditList {
  records: AuditRecord[];
  nextCursor: number | null;
}

export interface Health {
  status: string;
}

export interface SearchState {
  rows: number;
  bytes: number;
  behind: number;
  problem: string | null;
}

export interface Readiness {
  status: "ready" | "not_ready";
  database: string;
  model: string;
  modelLicense: string;
  providersRequested: string[];
  providersObtained: string[];
  search: SearchState | null;
  livenessModels: string[];
}
