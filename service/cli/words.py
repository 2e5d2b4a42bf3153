"""What the command line says, in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.messages import Language

WORDS: Mapping[str, Mapping[Language, str]] = {
    "enrolled": {"ko": "등록되었습니다", "en": "enrolled"},
    "images_used": {"ko": "사용한 사진", "en": "photographs used"},
    "duplicates": {"ko": "비슷한 사람", "en": "find_candidates"},
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
    "unlocked": {"ko": "잠금이 해제되었습니다", "en": "unlocked"},
    "name": {"ko": "이름", "en": "name"},
    "scopes": {"ko": "권한", "en": "scopes"},
    "collections": {"ko": "컬렉션", "en": "collections"},
    "all": {"ko": "전체", "en": "all"},
    "expires": {"ko": "만료", "en": "expires"},
    "state": {"ko": "상태", "en": "state"},
    "valid": {"ko": "유효", "en": "valid"},
    "invalid": {"ko": "무효", "en": "not valid"},
    "collection": {"ko": "컬렉션", "en": "collection"},
    "active_key": {"ko": "사용 중인 키", "en": "active key"},
    "key_since": {"ko": "사용 시작", "en": "since"},
    "key_age": {"ko": "사용 일수", "en": "days"},
    "retiring_key": {"ko": "교체 중인 키", "en": "retiring key"},
    "rows_waiting": {"ko": "남은 행", "en": "rows to move"},
    "master_key_opens": {"ko": "마스터 키로 열림", "en": "master key opens it"},
    "yes": {"ko": "예", "en": "yes"},
    "no": {"ko": "아니요", "en": "no"},
    "rotated": {
        "ko": "{collection}: {moved}개의 행을 새 키 {key}(으)로 옮기고 이전 키를 없앴습니다",
        "en": "{collection}: {moved} rows moved to the new key {key}, the old key destroyed",
    },
    "resumed": {
        "ko": "{collection}: 중단된 키 교체를 이어서 했습니다",
        "en": "{collection}: went on with a rotation that had been interrupted",
    },
    "rewrapped": {
        "ko": "컬렉션 {number}개의 키를 새 마스터 키로 다시 감쌌습니다. "
        "이제 설정을 새 마스터 키로 바꾸고 서버를 다시 시작해 주세요.",
        "en": "the keys of {number} collections are under the new master key. "
        "Now change the setting to it and restart the servers.",
    },
    "one_new_master_key": {
        "ko": "--new-key-file과 --new-kms 가운데 하나만 지정해 주세요.",
        "en": "give exactly one of --new-key-file and --new-kms.",
    },
    "cannot_listen": {
        "ko": "{address}에서 요청을 받을 수 없습니다: {cause}",
        "en": "cannot listen on {address}: {cause}",
    },
    "too_few_descriptors": {
        "ko": "열 수 있는 파일 수가 너무 적어 요청을 받을 수 없습니다. 한도를 {needed} 이상으로"
        " 올리십시오(ulimit -n 또는 LimitNOFILE).",
        "en": "cannot serve: too few files may be open at a time. Raise the limit to {needed} or"
        " more (ulimit -n or LimitNOFILE).",
    },
    "saving": {"ko": "백업 중", "en": "backing up"},
    "checking": {"ko": "백업 확인 중", "en": "checking the backup"},
    "loading": {"ko": "복원 중", "en": "restoring"},
    "backed_up": {"ko": "백업되었습니다", "en": "backed up"},
    "restored": {"ko": "복원되었습니다", "en": "restored"},
    "file": {"ko": "파일", "en": "file"},
    "made_at": {"ko": "백업 시각", "en": "made at"},
    "version": {"ko": "버전", "en": "version"},
    "revision": {"ko": "데이터베이스 구조", "en": "revision"},
    "rows": {"ko": "행", "en": "rows"},
    "keys_opened": {"ko": "열어 본 컬렉션 키", "en": "collection keys opened"},
    "templates_opened": {"ko": "열어 본 템플릿", "en": "templates opened"},
    "consent": {"ko": "동의", "en": "consent"},
    "purged": {"ko": "기간이 지나 삭제한 사람", "en": "people whose time was over, removed"},
    "purge_held": {
        "ko": "{collection}: {people}명 중 {expired}명의 기간이 지났습니다. 한꺼번에 너무 많아 아무도 지우지 않았습니다. "
        "두 컴퓨터의 시계와 보존 기간을 확인한 뒤, 맞다면 face purge --confirm {collection}을 실행해 주세요.",
        "en": "{collection}: {expired} of {people} people are expired. That is unusually many, so nobody was "
        "removed. Look at the clocks and at the retention; if it is right, run face purge --confirm {collection}.",
    },
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
    "number": {"ko": "번호", "en": "number"},
    "at": {"ko": "시각", "en": "at"},
    "caller": {"ko": "호출자", "en": "caller"},
    "action": {"ko": "동작", "en": "action"},
    "outcome": {"ko": "결과", "en": "outcome"},
    "request": {"ko": "요청", "en": "request"},
    "audit_whole": {
        "ko": "감사 기록이 온전합니다: {records}건",
        "en": "the audit log is whole: {records} records",
    },
    "audit_begun": {
        "ko": "체인 시작 {at}",
        "en": "chain begun {at}",
    },
    "checkpoint": {"ko": "검증 지점", "en": "checkpoint"},
    "audit_broken": {
        "ko": "감사 기록이 온전하지 않습니다: {sequence}번, {flaw}",
        "en": "the audit log is not whole: number {sequence}, {flaw}",
    },
    "audit_finding": {
        "ko": "{record}: {flaw} ({count}건)",
        "en": "{record}: {flaw} ({count})",
    },
    "record_changed": {
        "ko": "서비스가 기록한 것과 다름",
        "en": "not as the service wrote it",
    },
    "record_put_back": {
        "ko": "서비스가 만들지 않았거나 삭제 후 되살려짐",
        "en": "forged, or put back after it was destroyed",
    },
    "record_gone": {
        "ko": "서비스를 거치지 않고 삭제됨",
        "en": "removed, and not by the service",
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
    "bulk": {"ko": "일괄 등록", "en": "enrolling"},
    "read": {"ko": "읽은 행", "en": "rows read"},
    "flagged": {"ko": "비슷한 사람이 있지만 등록", "en": "enrolled although somebody looks alike"},
    "already": {"ko": "이미 등록되어 있음", "en": "enrolled before"},
    "refused": {"ko": "거부", "en": "refused"},
    "rate": {"ko": "초당 행", "en": "rows a second"},
    "report": {"ko": "보고서", "en": "report"},
    "report_exists": {
        "ko": "{path}: 이미 있습니다. 새 파일 이름을 지정해 주세요.",
        "en": "{path}: exists already. Name a new file.",
    },
    "not_as_noted": {
        "ko": "적어 둔 검증 지점과 다름",
        "en": "not as the checkpoint says",
    },
    "model": {"ko": "모델", "en": "model"},
    "photographs": {"ko": "사진 수", "en": "photographs"},
    "size_ratio": {"ko": "크기 (원본 대비)", "en": "size, of the original"},
    "speed_ratio": {"ko": "속도 (원본 대비)", "en": "speed, of the original"},
    "agreement_min": {"ko": "원본과의 코사인, 최소", "en": "cosine to the original, lowest"},
    "agreement_mean": {"ko": "원본과의 코사인, 평균", "en": "cosine to the original, mean"},
    "fnmr_before": {"ko": "FNMR 원본", "en": "FNMR, original"},
    "fnmr_after": {"ko": "FNMR 사본", "en": "FNMR, copy"},
    "fmr_before": {"ko": "FMR 원본", "en": "FMR, original"},
    "fmr_after": {"ko": "FMR 사본", "en": "FMR, copy"},
    "unforeseen": {
        "ko": "예상하지 못한 오류로 중단되었습니다: {kind} ({where}). 서비스의 버전과 함께 관리자에게 "
        "알려 주세요.",
        "en": "This ended in an error that nobody foresaw: {kind} ({where}). Tell whoever maintains "
        "the service, with its version.",
    },
    "unknown_setting": {
        "ko": "{place}의 {name}은(는) 알 수 없는 설정이라 적용되지 않습니다.",
        "en": "{name} in {place} is no setting and has no effect.",
    },
    "nearest_setting": {
        "ko": "{place}의 {name}은(는) 알 수 없는 설정이라 적용되지 않습니다. "
        "{nearest}을(를) 잘못 적은 것인지 확인해 주세요.",
        "en": "{name} in {place} is no setting and has no effect. Did you mean {nearest}?",
    },
    "counters_silent": {
        "ko": "FACE_RATE_LIMIT_STORAGE의 Redis가 응답하지 않습니다. 주소와 비밀번호를 확인해 주세요. "
        "응답할 때까지 모든 요청을 거절합니다.",
        "en": "The Redis of FACE_RATE_LIMIT_STORAGE does not answer. Check its address and password: "
        "until it answers, all calls are refused.",
    },
    "counters_answer": {"ko": "응답합니다", "en": "it answers"},
    "environment": {"ko": "환경 변수", "en": "the environment"},
    "clocks_apart": {"ko": "시차 {seconds:.1f}초", "en": "{seconds:.1f} s apart"},
    "opens_stored_keys": {"ko": "저장된 키를 엽니다", "en": "opens the stored keys"},
    "none_unknown": {"ko": "알 수 없는 이름이 없습니다", "en": "all names are known"},
    "another_model": {
        "ko": "{name}은(는) 다른 모델입니다. 원본으로 등록된 사람은 다시 등록해야 합니다.",
        "en": "{name} is another model: people enrolled under the original must enroll again.",
    },
}


def say(key: str, language: Language) -> str:
    return WORDS[key][language]
