"""What use cases return, as answers: for HTTP, and for the command line's `--json`.

Answers of the calls that come most often, written in the thread that made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from service.api.camel import Camel
from service.api.response_models import (
    AuditExport,
    AuditList,
    AuditRecordAnswer,
    CandidateAnswer,
    DedupeAnswer,
    Duplicate,
    EnrollAnswer,
    ErasureAnswer,
    ExportAnswer,
    IdentifyAnswer,
    ImageOutcome,
    KeptAnswerExport,
    RefusalsExport,
    SubjectAnswer,
    SubjectEntry,
    SubjectList,
    TemplateExport,
    VerifyAnswer,
)
from service.domain.audit import AuditRecord
from service.domain.decision import SimilarityDetail, shown_candidates, shown_similarity
from service.domain.face import Sample
from service.domain.thresholds import Band
from service.texts import Language, text
from service.usecases.audit import AuditPage
from service.usecases.enrollment import Enrolled
from service.usecases.erase import Erasure
from service.usecases.identify import SearchResult
from service.usecases.subjects import (
    Exported,
    ExportedTemplate,
    SubjectDetails,
    SubjectPage,
    SubjectSummary,
)
from service.usecases.verify import Verification


def enroll_answer(
    enrolled: Enrolled, language: Language, detail: SimilarityDetail, *, with_ids: bool
) -> EnrollAnswer:
    """`with_ids`: name the duplicates, which is for callers who may search."""
    return EnrollAnswer(
        subject_id=enrolled.subject_id,
        collection=enrolled.collection,
        template_id=enrolled.template_id,
        model_id=enrolled.model_id,
        images_used=enrolled.images_used,
        images=_images(enrolled.samples, language),
        duplicates=[
            Duplicate(subject_id=one.subject_id if with_ids else None, similarity=similarity)
            for one, similarity in shown_candidates(enrolled.duplicates, detail)
        ],
        enrolled_at=enrolled.enrolled_at,
    )


def verify_answer(
    result: Verification, language: Language, detail: SimilarityDetail
) -> VerifyAnswer:
    decision = result.decision
    return VerifyAnswer(
        subject_id=result.subject_id,
        match=decision.match,
        similarity=shown_similarity(decision.similarity, detail),
        threshold=decision.profile.threshold,
        profile=decision.profile.name,
        band=decision.band,
        recommendation=decision.recommendation,
        model_id=result.model_id,
        images=_images(result.samples, language),
    )


def dedupe_answer(result: SearchResult, detail: SimilarityDetail) -> DedupeAnswer:
    return DedupeAnswer(duplicate=result.found, **_search(result, detail))


def identify_answer(result: SearchResult, detail: SimilarityDetail) -> IdentifyAnswer:
    return IdentifyAnswer(match=result.found, **_search(result, detail))


def subject_list(page: SubjectPage) -> SubjectList:
    entries = [SubjectEntry(**_entry(summary)) for summary in page.subjects]
    return SubjectList(subjects=entries, next_cursor=page.next_cursor)


def subject_answer(details: SubjectDetails) -> SubjectAnswer:
    return SubjectAnswer(
        **_entry(details.summary),
        model_ids=list(details.model_ids),
        metadata=details.metadata,
        expires_at=details.expires_at,
        consent_reference=details.consent_reference,
    )


def export_answer(exported: Exported) -> ExportAnswer:
    return ExportAnswer(
        subject_id=exported.subject_id,
        collection=exported.collection,
        enrolled_at=exported.enrolled_at,
        expires_at=exported.expires_at,
        consent_reference=exported.consent_reference,
        metadata=exported.metadata,
        templates=[_template(one) for one in exported.templates],
        audit=[
            AuditExport(
                audit_id=one.audit_id,
                at=one.at,
                action=one.action,
                outcome=one.outcome,
                caller=one.caller,
            )
            for one in exported.audit
        ],
        answers=[
            KeptAnswerExport(caller=one.caller, idempotency_key=one.key) for one in exported.answers
        ],
        refusals=[
            RefusalsExport(
                caller=caller, number=one.number, since=one.since, locked_until=one.locked_until
            )
            for caller, one in sorted(exported.refusals.items())
        ],
        exported_at=exported.exported_at,
        audit_id=exported.audit_id,
    )


def _template(one: ExportedTemplate) -> TemplateExport:
    return TemplateExport(
        template_id=one.template_id,
        model_id=one.model_id,
        created_at=one.created_at,
        embedding=one.embedding.tolist(),
    )


def erasure_answer(erasure: Erasure) -> ErasureAnswer:
    return ErasureAnswer(
        subject_id=erasure.subject_id,
        collection=erasure.collection,
        templates_deleted=erasure.templates_deleted,
        deleted_at=erasure.deleted_at,
        audit_id=erasure.audit_id,
    )


def audit_list(page: AuditPage) -> AuditList:
    records = [_audit_record(record) for record in page.records]
    return AuditList(records=records, next_cursor=page.next_cursor)


def _audit_record(record: AuditRecord) -> AuditRecordAnswer:
    entry = record.entry
    return AuditRecordAnswer(
        sequence=record.sequence,
        audit_id=entry.audit_id,
        at=entry.at,
        caller=entry.caller,
        action=entry.action,
        collection=entry.collection,
        subject=entry.subject.hex() if entry.subject else None,
        outcome=entry.outcome,
        request_id=entry.request_id,
        digest=record.digest.hex(),
    )


def _images(samples: Sequence[Sample], language: Language) -> list[ImageOutcome]:
    return [
        ImageOutcome(
            index=index,
            accepted=sample.accepted,
            reason=sample.reason,
            advice=text(language, f"advice.{sample.reason}") if sample.reason else None,
            detection_score=sample.detection_score,
        )
        for index, sample in enumerate(samples)
    ]


def _search(result: SearchResult, detail: SimilarityDetail) -> dict[str, Any]:
    bands = {each.who: each.band for each in result.candidates}
    shown = shown_candidates((each.who for each in result.candidates), detail)
    shown.sort(key=lambda each: list(Band).index(bands[each[0]]))  # where that alone is shown
    return {
        "candidates": [
            CandidateAnswer(subject_id=one.subject_id, similarity=similarity, band=bands[one])
            for one, similarity in shown
        ],
        "threshold": result.profile.threshold,
        "profile": result.profile.name,
        "searched": result.searched,
        "exact": True,
    }


def _entry(summary: SubjectSummary) -> dict[str, Any]:
    return {
        "subject_id": summary.subject_id,
        "collection": summary.collection,
        "templates": summary.templates,
        "enrolled_at": summary.enrolled_at,
    }


def sent(answer: Camel, status: int = 200) -> Response:
    """`answer` as JSON. FastAPI would hand it to another thread, to validate it a second time."""
    content = answer.model_dump_json(by_alias=True)
    return Response(content, status, media_type="application/json")
