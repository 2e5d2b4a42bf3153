"""What the command line says, in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.messages import Language

WORDS: Mapping[str, Mapping[Language, str]] = {
    "enrolled": {"ko": "등록되었습니다", "en": "enrolled"},
    "images_used": {"ko": "사용한 사진", "en": "photographs used"},
    "duplicates": {"ko": "비슷한 사람", "en": "lookalikes"},
    "match": {"ko": "일치", "en": "match"},
    "no_match": {"ko": "불일치", "en": "no match"},
    "allow": {"ko": "허용", "en": "allow"},
    "recapture": {"ko": "다시 촬영", "en": "take the photograph again"},
    "deny": {"ko": "거부", "en": "deny"},
    "similarity": {"ko": "유사도", "en": "similarity"},
    "threshold": {"ko": "임계값", "en": "threshold"},
    "duplicate": {"ko": "이미 등록된 얼굴입니다", "en": "enrolled already"},
    "no_duplicate": {"ko": "등록되지 않은 얼굴입니다", "en": "not enrolled"},
    "searched": {"ko": "비교한 템플릿", "en": "templates compared"},
    "subject": {"ko": "사람", "en": "subject"},
    "band": {"ko": "판정", "en": "band"},
    "templates": {"ko": "템플릿", "en": "templates"},
    "enrolled_at": {"ko": "등록 시각", "en": "enrolled at"},
    "models": {"ko": "모델", "en": "models"},
    "metadata": {"ko": "메타데이터", "en": "metadata"},
    "deleted": {"ko": "삭제되었습니다", "en": "deleted"},
    "audit_id": {"ko": "감사 기록", "en": "audit entry"},
    "photograph": {"ko": "사진", "en": "photograph"},
    "next": {"ko": "다음 쪽", "en": "next page"},
    "migrated": {"ko": "데이터베이스가 최신 상태입니다", "en": "the database is up to date"},
    "revoked": {"ko": "폐기되었습니다", "en": "revoked"},
    "name": {"ko": "이름", "en": "name"},
    "scopes": {"ko": "권한", "en": "scopes"},
    "collections": {"ko": "컬렉션", "en": "collections"},
    "all": {"ko": "전체", "en": "all"},
    "expires": {"ko": "만료", "en": "expires"},
    "state": {"ko": "상태", "en": "state"},
    "valid": {"ko": "유효", "en": "valid"},
    "invalid": {"ko": "무효", "en": "not valid"},
    "cannot_listen": {
        "ko": "{address}에서 요청을 받을 수 없습니다: {cause}",
        "en": "cannot listen on {address}: {cause}",
    },
    "unreadable_vector": {
        "ko": "{path}: 512개의 수로 된 JSON 목록이 아닙니다.",
        "en": "{path}: not a JSON list of 512 numbers.",
    },
    "number": {"ko": "번호", "en": "number"},
    "at": {"ko": "시각", "en": "at"},
    "caller": {"ko": "호출자", "en": "caller"},
    "action": {"ko": "동작", "en": "action"},
    "collection": {"ko": "컬렉션", "en": "collection"},
    "outcome": {"ko": "결과", "en": "outcome"},
    "request": {"ko": "요청", "en": "request"},
    "audit_whole": {
        "ko": "감사 기록이 온전합니다: {records}건",
        "en": "the audit log is whole: {records} records",
    },
    "audit_begun": {
        "ko": "체인 시작 {at}, 그 이전의 기록은 {before}번까지",
        "en": "chain begun {at}; records up to number {before} are older",
    },
    "checkpoint": {"ko": "검증 지점", "en": "checkpoint"},
    "audit_broken": {
        "ko": "감사 기록이 온전하지 않습니다: {sequence}번, {flaw}",
        "en": "the audit log is not whole: number {sequence}, {flaw}",
    },
    "removed": {"ko": "삭제됨", "en": "removed"},
    "altered": {"ko": "변경되었거나 자리가 바뀜", "en": "changed or moved"},
    "unlinked": {
        "ko": "그 앞의 기록이 원래의 것이 아님",
        "en": "what stands before it is not what stood there",
    },
    "cut_off": {"ko": "여기부터 끝까지 잘려 나감", "en": "from here on everything is gone"},
    "beyond_end": {"ko": "체인의 끝 뒤에 덧붙여짐", "en": "added behind the chain's end"},
    "head_altered": {
        "ko": "체인의 끝 기록이 없거나 변경됨",
        "en": "the record of the chain's end is gone or changed",
    },
    "not_as_noted": {
        "ko": "적어 둔 검증 지점과 다름",
        "en": "not as the checkpoint says",
    },
}


def say(key: str, language: Language) -> str:
    return WORDS[key][language]
