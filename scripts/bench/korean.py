"""`korean` translates what plots and pages say."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TEXTS: Mapping[str, str] = {
    "more is better": "많을수록 좋음",
    "less is better": "적을수록 좋음",
    "Photographs embedded, by calling threads": "호출 스레드 수에 따른 사진 임베딩",
    "threads that call": "호출하는 스레드",
    "photographs a second": "초당 사진 수",
    "one FaceAnalysis per thread": "스레드마다 FaceAnalysis",
    "/verify over HTTP, one photograph each": "HTTP로 부르는 /verify, 호출마다 사진 한 장",
    "plain FastAPI and SQLAlchemy, same engine": "단순한 FastAPI·SQLAlchemy, 같은 엔진",
    "callers at once": "동시에 호출하는 쪽",
    "answers a second": "초당 응답 수",
    "Duplicate check, by people enrolled": "등록 인원에 따른 중복 검사",
    "people enrolled": "등록된 사람",
    "milliseconds a search": "검색 한 번의 밀리초",
    "Memory beyond the database's rows": "데이터베이스 행 밖의 메모리",
    "bytes a person": "한 사람당 바이트",
    "Making ready to search": "검색 준비 시간",
    "seconds": "초",
    "cosine of probe and mate": "조회 사진과 본인 템플릿의 코사인",
    "mates found, %": "찾아낸 본인, %",
    "enrolled people found again, %": "다시 찾아낸 등록자, %",
    "pgvector, exact scan": "pgvector, 전수 비교",
    "FAISS, flat": "FAISS, 전수 비교",
    "Memory, by calling threads": "호출 스레드 수에 따른 메모리",
    "resident memory, MiB": "상주 메모리, MiB",
    "face, one shared model": "face, 함께 쓰는 모델 하나",
}

_PATTERNS: Mapping[str, str] = {
    r"Mates found among ([\d,]+) people": r"\1명 가운데 찾아낸 본인",
    r"One search among ([\d,]+) people": r"\1명 가운데 한 사람 찾기",
    r"misses ([\d,]+) of ([\d,]+)": r"\2명 중 \1명 놓침",
}


def korean(text: str) -> str:
    """As it is where it has no Korean: names of products and of calls."""
    for pattern, replacement in _PATTERNS.items():
        if found := re.fullmatch(pattern, text):
            return found.expand(replacement)
    return _TEXTS.get(text, text)
