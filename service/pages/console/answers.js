// The answers of the public API that the console reads (docs/http.md), as types.

/** @typedef {"reject" | "flag" | "allow"} DuplicatePolicy */
/** @typedef {"none" | "verify" | "enroll" | "both"} RequireLiveness */

/**
 * @typedef {object} Readiness
 * @property {"ready" | "not_ready"} status
 * @property {string} database
 * @property {string} model
 * @property {string} modelLicense
 * @property {string[]} providersRequested
 * @property {string[]} providersObtained
 * @property {{rows: number, bytes: number, behind: number, problem: string | null} | null} search
 * @property {string[]} livenessModels
 */

/**
 * @typedef {object} Profile
 * @property {number} threshold
 * @property {number | null} falseMatchRate
 * @property {number | null} falseMatchRateBound
 * @property {number | null} falseNonMatchRate
 * @property {number | null} falseNonMatchRateBound
 * @property {string} source
 */

/**
 * @typedef {object} Collection
 * @property {string} collection
 * @property {string | null} modelId
 * @property {Record<string, Profile>} thresholdProfiles
 * @property {Record<string, number>} ownThresholds
 * @property {{veryHigh: number, high: number, borderline: number, low: number}} bands
 * @property {DuplicatePolicy} duplicatePolicy
 * @property {string} duplicateProfile
 * @property {"one" | "dominant" | null} faces
 * @property {RequireLiveness} requireLiveness
 * @property {number} templates
 * @property {number | null} expectedFalseCandidates
 * @property {number} maxFalseCandidates
 * @property {number} searchThreshold
 * @property {string} createdAt
 * @property {number | null} retentionDays
 */

/**
 * What PUT and PATCH take.
 * @typedef {object} CollectionSettings
 * @property {Record<string, number>} [thresholdProfiles]
 * @property {DuplicatePolicy} [duplicatePolicy]
 * @property {string} [duplicateProfile]
 * @property {"one" | "dominant" | null} [faces]
 * @property {RequireLiveness} [requireLiveness]
 * @property {number | null} [retentionDays]
 * @property {number} [maxFalseCandidates]
 */

/** @typedef {{subjectId: string, collection: string, templates: number, enrolledAt: string}} PersonEntry */

/**
 * @typedef {PersonEntry & {modelIds: string[], metadata: Record<string, unknown> | null,
 *   expiresAt: string | null, consentReference: string | null, lockedUntil?: string | null}} Person
 */

/**
 * @typedef {object} Erasure
 * @property {string} subjectId
 * @property {string} collection
 * @property {number} templatesDeleted
 * @property {string} deletedAt
 * @property {string} auditId
 */

/**
 * @typedef {object} Duplicate
 * @property {string} duplicateId
 * @property {string} collection
 * @property {string} subjectId who was enrolled
 * @property {string} duplicateOf whom they look like
 * @property {number | null} similarity
 * @property {string} flaggedAt
 * @property {"open" | "resolved"} status
 * @property {Decision | null} decision
 * @property {string | null} decidedAt
 * @property {string | null} decidedBy
 */

/** @typedef {"same_person" | "different_people"} Decision */

/**
 * @typedef {object} AuditRecord
 * @property {number} sequence
 * @property {string} auditId
 * @property {string} at
 * @property {string} caller
 * @property {string} action
 * @property {string | null} collection
 * @property {string | null} subject
 * @property {string} outcome
 * @property {string | null} requestId
 * @property {string | null} digest
 */

/**
 * @typedef {object} AuditQuery
 * @property {string} [action]
 * @property {string} [collection]
 * @property {string} [subjectId]
 * @property {string} [since]
 * @property {string} [until]
 * @property {number} [limit]
 * @property {number} [cursor]
 */

/**
 * @typedef {object} ApiKey
 * @property {string} name
 * @property {string[]} scopes
 * @property {string[]} collections
 * @property {string} createdAt
 * @property {string | null} expiresAt
 * @property {string | null} revokedAt
 * @property {string | null} lastUsedAt
 */

/** @typedef {{name: string, scopes: string[], collections?: string[], expiresAt?: string}} NewApiKey */

/**
 * @typedef {object} Check
 * @property {boolean} usable
 * @property {string | null} reason
 * @property {string | null} advice
 * @property {{x: number, y: number, width: number, height: number} | null} face
 * @property {Record<string, number | null> | null} quality
 * @property {number} ignoredFaces
 */

/** @typedef {{success: boolean, embedding: number[] | null, error: string | null, images: {advice: string | null}[]}} Token */

export {};
