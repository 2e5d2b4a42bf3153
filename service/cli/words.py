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
    "consent": {"ko": "동의", "en": "consent"},
    "purged": {"ko": "기간이 지나 삭제한 사람", "en": "people whose time was over, removed"},
    "scrubbed": {
        "ko": "삭제된 데이터가 데이터베이스 파일에서 지워졌습니다",
        "en": "what was deleted is gone from the database's files",
    },
    "tables_remain": {
        "ko": "테이블 파일에 남아 있을 수 있습니다. 테이블 소유자로 다시 실행해 주세요.",
        "en": "It may remain in the tables' files: run this as the role that owns them.",
    },
    "statistics_remain": {
        "ko": "통계에 남아 있을 수 있습니다. 슈퍼유저로 VACUUM FULL pg_statistic을 실행해 주세요.",
        "en": "It may remain in the statistics: as superuser, run VACUUM FULL pg_statistic.",
    },
    "log_remains": {
        "ko": "WAL에 남아 있을 수 있습니다. docs/deletion.md를 참고해 주세요.",
        "en": "It may remain in the write-ahead log: see docs/deletion.md.",
    },
    "unreadable_vector": {
        "ko": "{path}: 512개의 수로 된 JSON 목록이 아닙니다.",
        "en": "{path}: not a JSON list of 512 numbers.",
    },
}


def say(key: str, language: Language) -> str:
    return WORDS[key][language]
