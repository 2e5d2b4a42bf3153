"""Both READMEs tell a few figures, each in its language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.bench.figures import Figure, Report
from scripts.bench.found import OURSELVES, most_compared
from scripts.bench.table import bars, shown

EXACT = "pgvector, exact scan"
VERIFY = "/verify at 16 callers, photographs of 150 pixels"
EMBEDDING = ", from files to embeddings"


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences with places for figures. `packs`: what `embedding` says of each, by what its figure
    begins with; `peers`: of `/verify`, by what figures call them.
    """

    search: str
    verify: str
    embedding: str
    packs: Mapping[str, str]
    peers: Mapping[str, str]
    bars: str


ENGLISH = Words(
    search=(
        "On {cores} cores, a duplicate check among {people:,} people took {time} ms and missed "
        "{missed:,} of {asked:,} mates (pgvector's exact scan: {scan} ms; HNSW: {hnsw_missed:,} of "
        "{hnsw_asked:,} in {hnsw} ms)."
    ),
    verify="`/verify` at 16 callers: {rate} photographs a second, {ratio} × {peer}.",
    embedding="Embedding next to FaceAnalysis as documented: {packs}.",
    packs={
        "photographs of 150 pixels": "{rate} photographs a second with a small pack ({ratio} ×)",
        "default-size pack": "{rate} with one of buffalo_l's size ({ratio} ×)",
    },
    peers={
        "plain FastAPI and SQLAlchemy, same engine": "a plain FastAPI service with the same engine",
    },
    bars="{met} of {all} bars are met.",
)

KOREAN = Words(
    search=(
        "코어 {cores}개에서 {people:,}명 가운데 중복을 찾는 데 {time} ms가 걸렸고 본인 {asked:,}명 중 "
        "{missed:,}명을 놓쳤습니다. pgvector 전수 비교는 {scan} ms가 걸렸고, HNSW는 {hnsw} ms에 "
        "{hnsw_asked:,}명 중 {hnsw_missed:,}명을 놓쳤습니다."
    ),
    verify="`/verify`(동시 호출 16개): 초당 사진 {rate}장, {peer}의 {ratio}배.",
    embedding="임베딩(문서대로 쓴 FaceAnalysis와 비교): {packs}.",
    packs={
        "photographs of 150 pixels": "작은 모델로 초당 사진 {rate}장({ratio}배)",
        "default-size pack": "buffalo_l 크기의 모델로 {rate}장({ratio}배)",
    },
    peers={
        "plain FastAPI and SQLAlchemy, same engine": "같은 엔진을 쓰는 단순한 FastAPI 서비스",
    },
    bars="기준 {all}개 가운데 {met}개 충족.",
)

BY_README: Mapping[str, Words] = {"README.md": ENGLISH, "README.ko.md": KOREAN}


def headline(report: Report, words: Words) -> str:
    """A line for each benchmark that decides a reader. Raises `KeyError` where one did not run."""
    return "\n".join(_lines(report, words))


def _lines(report: Report, words: Words) -> Iterator[str]:
    barred = bars(report)
    yield _search(report, words)
    for figure in barred:
        if figure.name == VERIFY:
            yield _put(figure, words.verify, words)
    packs = {figure.name.removesuffix(EMBEDDING): figure for figure in barred}
    told = (_put(packs[name], text, words) for name, text in words.packs.items() if name in packs)
    yield words.embedding.format(packs=", ".join(told))
    yield words.bars.format(met=sum(figure.met is True for figure in barred), all=len(barred))


def _search(report: Report, words: Words) -> str:
    people, ways = most_compared(report.parts["search"])
    ours, scan = (next(way for way in ways if way.name == name) for name in (OURSELVES, EXACT))
    hnsw = min((way for way in ways if way.is_approximate), key=lambda way: way.missed)
    return words.search.format(
        cores=report.parts["search"].machine.cores,
        people=people,
        time=shown(ours.milliseconds),
        missed=ours.missed,
        asked=ours.asked,
        scan=shown(scan.milliseconds),
        hnsw=shown(hnsw.milliseconds),
        hnsw_missed=hnsw.missed,
        hnsw_asked=hnsw.asked,
    )


def _put(figure: Figure, template: str, words: Words) -> str:
    return template.format(
        rate=shown(figure.median),
        ratio=shown(figure.ratio or 0),
        peer=words.peers.get(figure.peer or "", figure.peer),
    )
