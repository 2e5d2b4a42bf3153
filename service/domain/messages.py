"""Every sentence that a person reads, in Korean and English, in one catalogue.

A key is an error's code, a photograph's reason or a band. A detail tells the reader what to do
next. Placeholders are filled from the error's `values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from service.domain.errors import FaceError, Shut, ShutCause
from service.domain.face import Reason
from service.domain.thresholds import Band

Language: TypeAlias = Literal["ko", "en"]


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    detail: str


def message(error: FaceError, language: Language) -> Message:
    """Title and detail of `error`, its values filled in."""
    text = ERRORS[error.code][language]
    return Message(text.title, text.detail.format_map(dict(error.values)))


def advice(reason: Reason, language: Language) -> str:
    """What to do differently when the photograph is taken again."""
    return ADVICE[reason][language]


class FieldProblem(StrEnum):
    """What is wrong with a field of a request."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_IN_QUERY = "not_in_query"
    REPEATED = "repeated"
    INVALID = "invalid"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    NOT_JSON = "not_json"
    NOT_BASE64 = "not_base64"
    NOT_MULTIPART = "not_multipart"
    NOT_UTF_8 = "not_utf_8"
    NOT_TEXT = "not_text"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_LIST = "not_list"
    NOT_OBJECT = "not_object"
    NOT_A_CHOICE = "not_a_choice"
    NOT_A_NAME = "not_a_name"
    NOT_A_MOMENT = "not_a_moment"
    NOT_PRINTABLE = "not_printable"
    ONE_SOURCE = "one_source"
    NOT_SAVED_AS_UTF_8 = "not_saved_as_utf_8"
    OPEN_QUOTES = "open_quotes"
    NUMBER_OF_FIELDS = "number_of_fields"
    NO_SUCH_FILE = "no_such_file"
    NO_SUCH_FOLDER = "no_such_folder"
    NOT_A_FILE = "not_a_file"
    CLOSED = "closed"
    NO_PHOTOGRAPHS = "no_photographs"
    LOOSE_PHOTOGRAPH = "loose_photograph"
    LINK_LEADS_NOWHERE = "link_leads_nowhere"


def field_problem_text(particular: Mapping[str, Any], language: Language) -> str:
    """What is wrong, and where `particular` has `allowed`, what would be right."""
    sentences = [FIELD_PROBLEMS[particular["problem"]][language]]
    for name, value in particular.get("allowed", {}).items():
        sentences.append(ALLOWED[name][language].format(value))
    return " ".join(sentences)


def shut_text(shut: Shut, language: Language) -> str:
    """Why an open door was shut, and so what to send or to set."""
    return SHUT_DOORS[shut.cause][language].format(what=shut.what)


def band_text(band: Band, language: Language) -> str:
    return BANDS[band][language]


CAMERA_FAILED: Mapping[Language, str] = {
    "ko": "카메라를 열 수 없습니다.",
    "en": "The camera cannot be opened.",
}
NO_EMBEDDING: Mapping[Language, str] = {
    "ko": "얼굴 임베딩을 추출하지 못했습니다.",
    "en": "No face embedding could be extracted.",
}


def _entry(
    ko_title: str, ko_detail: str, en_title: str, en_detail: str
) -> Mapping[Language, Message]:
    return {"ko": Message(ko_title, ko_detail), "en": Message(en_title, en_detail)}


ERRORS: Mapping[str, Mapping[Language, Message]] = {
    "invalid_request": _entry(
        "잘못된 요청입니다.",
        "요청의 형식이나 값이 올바르지 않습니다. errors에 적힌 항목을 고쳐 다시 보내 주세요.",
        "The request is not valid.",
        "Its form or a value is wrong. Mend what `errors` names and send it again.",
    ),
    "unauthenticated": _entry(
        "API 키가 필요합니다.",
        "Authorization: Bearer <키> 또는 X-API-Key 헤더로 유효한 키를 보내 주세요.",
        "An API key is needed.",
        "Send a valid key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.",
    ),
    "not_allowed": _entry(
        "허용되지 않은 요청입니다.",
        "이 API 키에는 필요한 권한(scope)이나 컬렉션이 없습니다. 관리자에게 문의해 주세요.",
        "This is not allowed.",
        "The API key lacks the scope or the collection. Ask whoever manages the keys.",
    ),
    "directory_not_allowed": _entry(
        "읽을 수 없는 폴더입니다.",
        "image_roots 설정에 포함된 폴더만 읽을 수 있습니다.",
        "This folder may not be read.",
        "Only folders below the setting `image_roots` can be read.",
    ),
    "subject_not_found": _entry(
        "등록된 사람이 아닙니다.",
        "subjectId와 collection을 확인하거나, 먼저 등록해 주세요.",
        "The subject is not enrolled.",
        "Check `subjectId` and `collection`, or enroll the person first.",
    ),
    "collection_not_found": _entry(
        "컬렉션이 없습니다.",
        "이름을 확인하거나 PUT /admin/collections/<이름>으로 먼저 만들어 주세요.",
        "There is no such collection.",
        "Check its name, or create it with PUT /admin/collections/<name>.",
    ),
    "profile_not_found": _entry(
        "임계값 프로필이 없습니다.",
        "conservative, balanced, aggressive 또는 설정된 프로필 이름을 사용해 주세요.",
        "There is no such threshold profile.",
        "Use conservative, balanced, aggressive or the name of a configured one.",
    ),
    "api_key_not_found": _entry(
        "API 키가 없습니다.",
        "`face apikey list`로 이름을 확인해 주세요.",
        "There is no such API key.",
        "See the names with `face apikey list`.",
    ),
    "not_found": _entry(
        "없는 주소입니다.",
        "주소를 확인해 주세요. 사용할 수 있는 주소는 /docs에 있습니다.",
        "There is nothing here.",
        "Check the address; /docs lists what there is.",
    ),
    "method_not_allowed": _entry(
        "허용되지 않은 메서드입니다.",
        "이 주소에 맞는 HTTP 메서드는 /docs에서 확인해 주세요.",
        "This method is not allowed here.",
        "See /docs for the methods of this address.",
    ),
    "subject_exists": _entry(
        "이미 등록된 subjectId입니다.",
        "사진을 더하려면 mode=add, 바꾸려면 mode=replace를 사용해 주세요.",
        "This subjectId is enrolled already.",
        "Use mode=add to add photographs, mode=replace to replace them.",
    ),
    "duplicate_subject": _entry(
        "이미 다른 이름으로 등록된 얼굴입니다.",
        "같은 사람이면 기존 등록을 사용하고, 다른 사람이면 onDuplicate=flag로 등록한 뒤 검토해 주세요. "
        "컬렉션의 규칙이 reject이면 admin 권한이 있는 키로만 할 수 있습니다.",
        "This face is enrolled under another name.",
        "If it is the same person use that enrollment; if not, enroll with onDuplicate=flag and review it. "
        "Where the collection's rule is reject, only a key with the scope admin may.",
    ),
    "subject_mismatch": _entry(
        "등록된 얼굴과 다릅니다.",
        "같은 사람의 사진인지 확인해 주세요. 다른 사람으로 바꾸려면 먼저 삭제해야 합니다.",
        "This is not the enrolled face.",
        "Check that the photographs show the same person; to enroll somebody else, delete first.",
    ),
    "model_mismatch": _entry(
        "다른 모델로 등록되었습니다.",
        "저장된 모델은 {stored}, 현재 모델은 {served}입니다. 등록할 때의 모델로 서버를 시작하거나 다시 등록해 주세요.",
        "The enrollment was made with another model.",
        "Stored: {stored}; served: {served}. Start the server with the model of the enrollment, or enroll anew.",
    ),
    "idempotency_conflict": _entry(
        "이미 사용한 Idempotency-Key입니다.",
        "다른 내용의 요청에 쓰였거나, 그 요청으로 등록된 사람이 그 뒤에 삭제되었습니다. 새 요청에는 새 Idempotency-Key를 사용해 주세요.",
        "This Idempotency-Key was used already.",
        "It belongs to a request with other content, or the person enrolled by it has been deleted since. Use a new Idempotency-Key for a new request.",
    ),
    "api_key_exists": _entry(
        "같은 이름의 API 키가 있습니다.",
        "폐기한 키의 이름도 다시 쓸 수 없습니다. 다른 이름을 사용해 주세요.",
        "There is an API key of this name.",
        "Choose another name; that of a revoked key is not given again either.",
    ),
    "subject_repeated": _entry(
        "같은 파일에 이미 나온 subjectId입니다.",
        "먼저 나온 행만 등록합니다. 다른 사람이면 다른 subjectId를 사용하고, 같은 사람이면 사진을 한 행에 모아 주세요.",
        "This subjectId stands in an earlier row.",
        "Only the first row counts. Give another person another subjectId, or put one person's photographs into one row.",
    ),
    "purge_held": _entry(
        "기간이 지난 사람이 한꺼번에 너무 많습니다.",
        "{people}명 중 {expired}명의 기간이 지났습니다. 시계나 보존 기간이 잘못되었을 수 있어 아무도 지우지 않았습니다. "
        "맞다면 관리자가 `face purge --confirm <컬렉션>`을 실행해 주세요.",
        "Too many people are expired at once.",
        "{expired} of {people} are. A clock or a date may be wrong, so nobody was removed. If it is right, "
        "whoever runs the service runs `face purge --confirm <collection>`.",
    ),
    "image_too_large": _entry(
        "이미지나 요청 전체가 너무 큽니다.",
        "한도는 {limit}입니다. 크기를 줄여 다시 보내 주세요.",
        "An image, or the request as a whole, is too large.",
        "The limit is {limit}. Send less.",
    ),
    "too_many_images": _entry(
        "이미지가 너무 많습니다.",
        "한 요청에 {limit}장까지 보낼 수 있습니다.",
        "There are too many images.",
        "One request may have up to {limit}.",
    ),
    "unsupported_image": _entry(
        "지원하지 않는 파일입니다.",
        "JPEG, PNG, WebP 이미지를 보내 주세요. 휴대전화의 HEIC 사진이라면 아이폰은 설정 > 카메라 > 포맷에서 "
        "'높은 호환성'을, 갤럭시는 카메라 설정에서 '고효율 사진' 끄기를 선택하고 다시 촬영해 주세요. "
        "서버에 추가 패키지 heif를 설치하면 HEIC와 AVIF도 받습니다.",
        "This file is not supported.",
        "Send JPEG, PNG or WebP images. Is it a phone's HEIC? Choose Settings > Camera > Formats > Most "
        "Compatible on an iPhone, or switch off high efficiency pictures in a Galaxy's camera settings, and take "
        "it again. With the extra `heif` the service reads HEIC and AVIF as well.",
    ),
    "no_usable_face": _entry(
        "사용할 수 있는 얼굴이 없습니다.",
        "errors에 적힌 안내에 따라 다시 촬영해 주세요.",
        "There is no usable face.",
        "Take the photographs again as `errors` advises.",
    ),
    "inconsistent_images": _entry(
        "사진들이 서로 다른 사람입니다.",
        "한 요청에는 한 사람의 사진만 보내 주세요.",
        "The photographs show different people.",
        "Send photographs of one person in a request.",
    ),
    "invalid_embedding": _entry(
        "올바른 임베딩이 아닙니다.",
        "현재 모델이 만든 512개의 수(길이 1)를 그대로 보내 주세요.",
        "The embedding is not valid.",
        "Send the 512 numbers (of length 1) as the served model made them.",
    ),
    "template_tampered": _entry(
        "저장된 템플릿이 손상되었습니다.",
        "이 사람에 대한 판정을 중단했습니다. 관리자는 로그와 데이터베이스를 확인해 주세요.",
        "A stored template was altered.",
        "No decision was made. Whoever runs the service should look at its log and database.",
    ),
    "record_tampered": _entry(
        "저장된 정보가 변경되었습니다.",
        "컬렉션, 키 또는 등록 정보가 서비스가 기록한 것과 다르거나 삭제된 것이 되살아났습니다. "
        "관리자는 `face audit verify`를 실행해 주세요.",
        "A stored record was altered or put back.",
        "A collection, a key or an enrollment is not as the service wrote it, so nothing was decided. "
        "Whoever runs the service should run `face audit verify`.",
    ),
    "audit_tampered": _entry(
        "감사 기록이 손상되었습니다.",
        "기록을 남길 수 없어 요청을 처리하지 않았습니다. 관리자는 `face audit verify`를 실행해 주세요.",
        "The audit log was altered.",
        "The call was not carried out, as it cannot be written down. Whoever runs the service should "
        "run `face audit verify`.",
    ),
    "internal_error": _entry(
        "서버 내부 오류입니다.",
        "요청은 처리되지 않았습니다. requestId와 함께 관리자에게 알려 주세요.",
        "Something broke inside the service.",
        "Nothing was changed. Tell whoever runs the service, with the requestId.",
    ),
    "overloaded": _entry(
        "요청이 많아 처리할 수 없습니다.",
        "Retry-After 헤더의 시간이 지난 뒤 다시 보내 주세요.",
        "The service is busy.",
        "Send the request again after the time in Retry-After.",
    ),
    "database_unavailable": _entry(
        "데이터베이스에 연결할 수 없습니다.",
        "잠시 뒤 다시 시도해 주세요. 계속되면 관리자는 데이터베이스를 확인해 주세요.",
        "The database cannot be reached.",
        "Try again shortly; if it goes on, whoever runs the service should look at the database.",
    ),
    "database_read_only": _entry(
        "데이터베이스가 읽기 전용입니다.",
        "default_transaction_read_only가 켜져 있습니다. 서버, 데이터베이스, 역할 가운데 어디에서 켰는지 "
        "확인해 주세요.",
        "The database is read-only.",
        "default_transaction_read_only is on: for the server, the database or the role. Switch it off there.",
    ),
    "database_standby": _entry(
        "대기(standby) 데이터베이스입니다.",
        "복제본은 쓰기를 받지 않습니다. FACE_DATABASE_URL을 주 서버로 바꿔 주세요. 주소가 여러 개이면 "
        "target_session_attrs=read-write를 덧붙여 주세요.",
        "The database is a standby.",
        "A replica takes no writes. Name the primary in FACE_DATABASE_URL; with several hosts, add "
        "target_session_attrs=read-write.",
    ),
    "clocks_disagree": _entry(
        "서비스와 데이터베이스의 시계가 다릅니다.",
        "서비스의 시계가 데이터베이스보다 {seconds}초 빠릅니다(음수이면 느립니다). 되돌릴 수 없는 작업이라 하지 않았습니다. "
        "관리자는 두 컴퓨터의 시계를 NTP로 맞춰 주세요.",
        "The clocks of the service and its database disagree.",
        "The service's is {seconds} s ahead (behind, where negative). Nothing that cannot be undone is done "
        "like that: whoever runs the service should set both machines' clocks by NTP.",
    ),
    "camera_unavailable": _entry(
        "카메라를 열 수 없습니다.",
        "카메라 연결과 camera_index 설정을 확인한 뒤 다시 시도해 주세요.",
        "The camera cannot be opened.",
        "Check that it is connected and that the setting `camera_index` is right, then try again.",
    ),
    "key_service_unavailable": _entry(
        "키 서비스를 사용할 수 없습니다.",
        "잠시 뒤 다시 시도해 주세요. 계속되면 관리자는 로그, 키 서비스의 주소와 권한을 확인해 주세요.",
        "The key service cannot be used.",
        "Try again shortly; if it goes on, whoever runs the service should look at the log, and at the"
        " key service's address and permissions.",
    ),
    "rate_limited": _entry(
        "요청이 너무 많습니다.",
        "{retry_after}초 뒤에 다시 보내 주세요.",
        "There were too many calls.",
        "Send the request again in {retry_after} seconds.",
    ),
    "subject_locked": _entry(
        "인증 실패가 많아 잠겼습니다.",
        "{retry_after}초 뒤에 다시 시도하거나, 관리자에게 잠금 해제를 요청해 주세요.",
        "The subject is locked after too many refusals.",
        "Try again in {retry_after} seconds, or ask whoever runs the service to unlock it.",
    ),
    "model_unavailable": _entry(
        "모델을 불러올 수 없습니다.",
        "모델 {model}: {cause} (위치: {path}). 모델 팩을 그 폴더에 두거나, FACE_MODEL_NAME=dlib을 사용해 주세요.",
        "The model cannot be loaded.",
        "Model {model}: {cause} (looked in {path}). Put the pack there, or use FACE_MODEL_NAME=dlib.",
    ),
    "gpu_unavailable": _entry(
        "GPU를 사용할 수 없습니다.",
        "사용할 수 있는 실행 환경: {available}. `face doctor`로 확인하거나 FACE_USE_GPU=true로 바꿔 주세요.",
        "There is no usable GPU.",
        "Available providers: {available}. See `face doctor`, or set FACE_USE_GPU=true to allow the CPU.",
    ),
    "conflicting_runtimes": _entry(
        "onnxruntime이 여러 개 설치되어 있습니다.",
        "{runtimes}은(는) 같은 패키지를 덮어씁니다. 모두 제거한 뒤 하나만 다시 설치해 주세요.",
        "Several onnxruntime packages are installed.",
        "{runtimes} overwrite each other. Uninstall all of them, then install exactly one.",
    ),
    "master_key_missing": _entry(
        "마스터 키가 없습니다.",
        "외부 데이터베이스를 사용하거나 백업을 복원할 때는 FACE_MASTER_KEY_FILE 또는 FACE_MASTER_KEY를 설정해야 합니다.",
        "There is no master key.",
        "With an external database, or to restore a backup, set FACE_MASTER_KEY_FILE or FACE_MASTER_KEY.",
    ),
    "master_key_invalid": _entry(
        "마스터 키가 올바르지 않습니다.",
        "32바이트를 base64로 적은 키인지, 이 데이터베이스를 만들 때의 키인지 확인해 주세요.",
        "The master key is not the right one.",
        "It must be 32 bytes in base64, and the key that this database was made with.",
    ),
    "database_unsuitable": _entry(
        "사용할 수 없는 데이터베이스입니다.",
        "PostgreSQL 15 이상과 pgvector 0.8 이상을 갖춘 UTF-8 데이터베이스가 필요합니다. 원인은 `face doctor`로 확인해 주세요.",
        "The database cannot be used.",
        "A UTF-8 database of PostgreSQL 15 or newer with pgvector 0.8 or newer is needed. `face doctor` names the cause.",
    ),
    "database_not_migrated": _entry(
        "데이터베이스 구조가 최신이 아닙니다.",
        "`face migrate`를 실행해 주세요.",
        "The database is not migrated.",
        "Run `face migrate`.",
    ),
    "database_right_missing": _entry(
        "데이터베이스 역할의 권한이 부족합니다.",
        "이 역할에는 {table} 테이블의 {right} 권한이 없습니다. docs/roles.md를 참고해 face_service의 "
        "구성원으로 만들어 주세요.",
        "The database role lacks a right.",
        "It lacks {right} on the table {table}. Make it a member of face_service, as docs/roles.md tells.",
    ),
    "tls_unusable": _entry(
        "TLS 인증서나 키를 사용할 수 없습니다.",
        "{cause}. ssl_certfile, ssl_keyfile, ssl_keyfile_password, ssl_ca_certs 설정을 확인해 주세요.",
        "The TLS certificate or key cannot be used.",
        "{cause}. See the settings ssl_certfile, ssl_keyfile, ssl_keyfile_password, ssl_ca_certs.",
    ),
    "database_not_empty": _entry(
        "비어 있지 않은 데이터베이스입니다.",
        "백업은 빈 데이터베이스에만 복원합니다. CREATE DATABASE로 새로 만들어 FACE_DATABASE_URL로 지정하거나, 새 폴더를 FACE_DATA_DIR로 지정해 주세요.",
        "The database is not empty.",
        "A backup is restored into an empty one only: make one by CREATE DATABASE and name it by FACE_DATABASE_URL, or name a new folder by FACE_DATA_DIR.",
    ),
    "database_distributed": _entry(
        "이 데이터베이스는 Citus로 여러 서버에 나뉘어 있습니다.",
        "{what}: Citus에서는 안전하지 않아 실행하지 않았습니다. 해결 방법: {instead}.",
        "Citus spreads this database over several servers.",
        "{what} is not safe there and was refused. Instead: {instead}.",
    ),
    "backup_damaged": _entry(
        "백업 파일이 손상되었거나 백업 파일이 아닙니다.",
        "아무것도 바뀌지 않았습니다. 다른 사본을 사용해 주세요.",
        "The backup is damaged, or is no backup.",
        "Nothing was changed. Use another copy.",
    ),
    "backup_too_new": _entry(
        "더 새로운 버전의 백업입니다.",
        "아무것도 바뀌지 않았습니다. 백업을 만든 버전 {version} 이상을 설치해 주세요.",
        "The backup was made by a newer version.",
        "Nothing was changed. Install version {version}, which made it, or a newer one.",
    ),
    "copy_failed": _entry(
        "데이터베이스를 복사하지 못했습니다.",
        "아무것도 바뀌지 않았습니다. {program}: {cause}",
        "The database could not be copied.",
        "Nothing was changed. {program}: {cause}",
    ),
    "bulk_file_unusable": _entry(
        "일괄 등록 파일을 읽을 수 없습니다.",
        "여기까지 등록한 사람은 그대로 있습니다. 파일을 고친 뒤 같은 명령을 다시 실행해 주세요.",
        "The bulk file cannot be read.",
        "Whoever was enrolled so far remains. Mend the file and run the same command again.",
    ),
    "extra_missing": _entry(
        "필요한 추가 패키지가 설치되어 있지 않습니다.",
        "pip install 'face-enrollment-service[{extra}]'를 실행해 주세요.",
        "A package that this needs is not installed.",
        "Run pip install 'face-enrollment-service[{extra}]'.",
    ),
    "cluster_unavailable": _entry(
        "Ray 클러스터를 사용할 수 없습니다.",
        "{cause}. 여기까지 등록한 사람은 그대로 있습니다. 주소와 각 노드의 설치, 모델, 사진 경로를 확인한 뒤 같은 명령을 다시 실행해 주세요.",
        "The Ray cluster cannot be used.",
        "{cause}. Whoever was enrolled so far remains. Look at the address and at each node's installation, model and path to the photographs, then run the same command again.",
    ),
    "pack_exists": _entry(
        "같은 이름의 모델 팩이 이미 있습니다.",
        "{path} 폴더는 그대로입니다. 다시 만들려면 먼저 옮기거나 지워 주세요.",
        "There is a model pack of this name already.",
        "{path} was left as it is. Move or delete it first to make it again.",
    ),
    "too_few_photographs": _entry(
        "사용할 수 있는 사진이 너무 적습니다.",
        "얼굴이 하나만 있는 사진이 {found}장입니다. 사람마다 폴더를 두고, 두 명 이상을 두 장 이상씩, "
        "모두 {needed}장 이상 넣어 주세요.",
        "Too few of the photographs can be used.",
        "{found} of them show exactly one face. Give at least {needed}, in one folder per person, "
        "of two people or more with two photographs or more each.",
    ),
    "quantization_failed": _entry(
        "모델의 8비트 사본을 만들 수 없습니다.",
        "{model}: {cause}. 아무것도 바뀌지 않았습니다.",
        "The model cannot be copied with 8-bit weights.",
        "{model}: {cause}. Nothing was changed.",
    ),
}

ADVICE: Mapping[Reason, Mapping[Language, str]] = {
    Reason.UNREADABLE: {
        "ko": "이미지를 읽을 수 없습니다. 파일이 온전하고 움직이지 않는 일반 사진인지 확인하거나 다시 촬영해 주세요.",
        "en": "The image cannot be read. Check that the file is whole and an ordinary still picture, or take it again.",
    },
    Reason.TOO_LARGE: {
        "ko": "이미지가 너무 큽니다. 해상도를 낮춰 주세요.",
        "en": "The image is too large. Use a lower resolution.",
    },
    Reason.NO_FACE: {
        "ko": "얼굴을 찾지 못했습니다. 밝은 곳에서 정면을 보고 다시 촬영해 주세요.",
        "en": "No face was found. Face the camera in good light and try again.",
    },
    Reason.MULTIPLE_FACES: {
        "ko": "여러 명의 얼굴이 있습니다. 한 사람만 나오도록 촬영해 주세요.",
        "en": "There are several faces. Have only one person in the picture.",
    },
    Reason.LOW_DETECTION_SCORE: {
        "ko": "얼굴이 뚜렷하지 않습니다. 초점과 조명을 확인하고 얼굴을 가리지 말아 주세요.",
        "en": "The face is not clear. Check focus and light, and do not cover the face.",
    },
    Reason.FACE_TOO_SMALL: {
        "ko": "얼굴이 너무 작습니다. 카메라에 더 가까이 다가와 주세요.",
        "en": "The face is too small. Come closer to the camera.",
    },
    Reason.INCONSISTENT: {
        "ko": "다른 사진과 같은 사람이 아닌 것 같습니다. 한 사람의 사진만 보내 주세요.",
        "en": "This seems to be somebody else than the other photographs show. Send one person's only.",
    },
}

BANDS: Mapping[Band, Mapping[Language, str]] = {
    Band.VERY_HIGH: {"ko": "동일인 가능성 높음", "en": "very likely the same person"},
    Band.HIGH: {"ko": "동일인 가능성 있음", "en": "likely the same person"},
    Band.BORDERLINE: {"ko": "판단하기 어려움", "en": "borderline"},
    Band.LOW: {"ko": "동일인 가능성 낮음", "en": "unlikely the same person"},
    Band.VERY_LOW: {"ko": "동일인 가능성 매우 낮음", "en": "very unlikely the same person"},
}

FIELD_PROBLEMS: Mapping[FieldProblem, Mapping[Language, str]] = {
    FieldProblem.MISSING: {"ko": "필수 항목입니다.", "en": "This field is needed."},
    FieldProblem.UNKNOWN: {"ko": "알 수 없는 항목입니다.", "en": "There is no such field."},
    FieldProblem.NOT_IN_QUERY: {
        "ko": "이 호출에는 쿼리 매개변수가 없습니다. 항목은 요청 본문에 넣어 주세요.",
        "en": "This call has no query parameters: its fields go into the body.",
    },
    FieldProblem.REPEATED: {"ko": "두 번 이상 적혀 있습니다.", "en": "It is given more than once."},
    FieldProblem.INVALID: {"ko": "값이 올바르지 않습니다.", "en": "The value is not valid."},
    FieldProblem.OUT_OF_RANGE: {
        "ko": "값이 허용 범위를 벗어났습니다.",
        "en": "The value is out of range.",
    },
    FieldProblem.TOO_LONG: {"ko": "값이 너무 깁니다.", "en": "The value is too long."},
    FieldProblem.TOO_SHORT: {"ko": "값이 너무 짧습니다.", "en": "The value is too short."},
    FieldProblem.NOT_JSON: {"ko": "올바른 JSON이 아닙니다.", "en": "This is not valid JSON."},
    FieldProblem.NOT_BASE64: {"ko": "올바른 base64가 아닙니다.", "en": "This is not valid base64."},
    FieldProblem.NOT_MULTIPART: {
        "ko": "온전한 multipart/form-data가 아니거나 항목이 너무 많습니다.",
        "en": "This is no whole multipart/form-data, or has too many parts.",
    },
    FieldProblem.NOT_UTF_8: {"ko": "UTF-8로 보내 주세요.", "en": "Send it in UTF-8."},
    FieldProblem.NOT_TEXT: {"ko": "문자열이어야 합니다.", "en": "It must be a text."},
    FieldProblem.NOT_INTEGER: {"ko": "정수여야 합니다.", "en": "It must be a whole number."},
    FieldProblem.NOT_NUMBER: {"ko": "숫자여야 합니다.", "en": "It must be a number."},
    FieldProblem.NOT_LIST: {"ko": "목록이어야 합니다.", "en": "It must be a list."},
    FieldProblem.NOT_OBJECT: {"ko": "JSON 객체여야 합니다.", "en": "It must be a JSON object."},
    FieldProblem.NOT_A_CHOICE: {
        "ko": "정해진 값만 사용할 수 있습니다.",
        "en": "It must be one of certain values.",
    },
    FieldProblem.NOT_A_NAME: {
        "ko": "사용할 수 없는 이름입니다.",
        "en": "This name cannot be used.",
    },
    FieldProblem.NOT_A_MOMENT: {
        "ko": "RFC 3339 형식의 시각이어야 합니다(예: 2027-01-01T09:00:00Z).",
        "en": "It must be a time as in RFC 3339, such as 2027-01-01T09:00:00Z.",
    },
    FieldProblem.NOT_PRINTABLE: {
        "ko": "화면에 표시할 수 없는 문자가 있습니다.",
        "en": "It has characters that cannot be printed.",
    },
    FieldProblem.ONE_SOURCE: {
        "ko": "images, embedding, camera, directory 중 정확히 하나를 보내 주세요.",
        "en": "Send exactly one of images, embedding, camera and directory.",
    },
    FieldProblem.NOT_SAVED_AS_UTF_8: {
        "ko": "UTF-8이 아닙니다. 엑셀에서 'CSV UTF-8(쉼표로 분리)'로 다시 저장해 주세요.",
        "en": "It is not UTF-8. Save the file again as `CSV UTF-8 (comma delimited)`.",
    },
    FieldProblem.OPEN_QUOTES: {
        "ko": "따옴표의 짝이 맞지 않습니다. 값 안의 따옴표는 두 번 적어 주세요.",
        "en": "Its quotation marks do not match. Write one inside of a value twice.",
    },
    FieldProblem.NUMBER_OF_FIELDS: {
        "ko": "항목의 수가 머리글과 다릅니다.",
        "en": "It has not as many fields as the head.",
    },
    FieldProblem.NO_SUCH_FILE: {"ko": "파일이 없습니다.", "en": "There is no such file."},
    FieldProblem.NO_SUCH_FOLDER: {
        "ko": "파일이 있어야 할 폴더가 없습니다.",
        "en": "There is no such folder for the file to be in.",
    },
    FieldProblem.NOT_A_FILE: {
        "ko": "파일이 아니라 폴더나 장치입니다.",
        "en": "This is a folder or a device, not a file.",
    },
    FieldProblem.CLOSED: {
        "ko": "읽을 권한이 없습니다. 이 명령을 실행하는 사용자에게 읽기 권한을 주세요.",
        "en": "It may not be read. Give the user who runs this the right to read it.",
    },
    FieldProblem.NO_PHOTOGRAPHS: {
        "ko": "폴더에 사진이 없습니다.",
        "en": "There is no photograph in the folder.",
    },
    FieldProblem.LOOSE_PHOTOGRAPH: {
        "ko": "사람의 폴더 안에 있지 않은 사진입니다. subjectId를 이름으로 하는 폴더에 넣어 주세요.",
        "en": "This photograph is in nobody's folder. Put it into one named by the subjectId.",
    },
    FieldProblem.LINK_LEADS_NOWHERE: {
        "ko": "자기 자신이나 없는 곳을 가리키는 링크입니다.",
        "en": "This link leads to itself or to nothing.",
    },
}

ALLOWED: Mapping[str, Mapping[Language, str]] = {
    "nearest": {"ko": "가장 비슷한 이름은 {}입니다.", "en": "The nearest name is {}."},
    "choices": {"ko": "사용할 수 있는 것: {}.", "en": "There are: {}."},
    "least": {"ko": "{} 이상이어야 합니다.", "en": "It must be at least {}."},
    "most": {"ko": "{} 이하여야 합니다.", "en": "It must be at most {}."},
    "longest": {"ko": "최대 길이는 {}입니다.", "en": "The greatest length is {}."},
    "shortest": {"ko": "최소 길이는 {}입니다.", "en": "The smallest length is {}."},
    "values": {"ko": "값은 {}개까지 보낼 수 있습니다.", "en": "It may have up to {} values."},
    "signs": {
        "ko": "영문자, 숫자, 문자 {}만 쓸 수 있고, 이름 전체가 . 또는 ..일 수는 없습니다.",
        "en": "It may have letters A to Z, digits and {}, and may not be . or .. as a whole.",
    },
    "form": {"ko": "형식: {}", "en": "Its form: {}"},
    "found": {"ko": "찾은 것: {}.", "en": "Found: {}."},
    "expected": {"ko": "있어야 하는 것: {}.", "en": "Expected: {}."},
    "path": {"ko": "경로: {}", "en": "Its path: {}"},
}
"""What would be right, by the names in a particular's `allowed`."""

SHUT_DOORS: Mapping[ShutCause, Mapping[Language, str]] = {
    ShutCause.FORWARDED: {
        "ko": "{what} 헤더가 있어 프록시를 거친 요청으로 판단했습니다. API 키를 보내 주세요.",
        "en": "The header {what} says that a proxy passed this on. Send an API key.",
    },
    ShutCause.FOREIGN_NAME: {
        "ko": "{what} 헤더가 이 컴퓨터가 아닌 곳을 가리킵니다. localhost로 호출하거나 API 키를 보내 주세요.",
        "en": "The header {what} names another place than this machine. Call localhost, or send an API key.",
    },
    ShutCause.OTHER_MACHINE: {
        "ko": "다른 컴퓨터에서 온 요청입니다. API 키를 보내 주세요.",
        "en": "The call comes from another machine. Send an API key.",
    },
    ShutCause.OTHER_USER: {
        "ko": "호출한 프로그램의 사용자 {what}은(는) 서비스를 실행하는 사용자가 아니며 open_tokens_users에도 없습니다. "
        "이 사용자를 설정에 추가하거나 API 키를 보내 주세요.",
        "en": "The calling program belongs to {what}, who is neither the service's own user nor among "
        "open_tokens_users. Add that user there, or send an API key.",
    },
    ShutCause.UNKNOWN_USER: {
        "ko": "호출한 프로그램이 어느 사용자의 것인지 확인할 수 없습니다. API 키를 보내 주세요.",
        "en": "It cannot be told to which user the calling program belongs. Send an API key.",
    },
}
