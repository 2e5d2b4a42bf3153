"""What the operator's page reckons by itself is what the service would say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from prometheus_client.parser import text_string_to_metric_families

from service.api.pages import FILES
from service.api.routes.collections import ProfileAnswer
from service.domain.audit import Action
from service.domain.decision import SimilarityDetail, decide, shown_similarity
from service.domain.search_threshold import search_threshold
from service.domain.thresholds import ARCFACE, Profile
from service.telemetry.metrics import Metrics, exposition
from tests.contract.installation import Server
from tests.pages.sentences import sentences

MODULE = (
    "async ([file, name, ...given]) => (await import(`./pages/console/${file}.js`))[name](...given)"
)

ON_ONE_PAGE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{server.url}/console")
    yield page
    page.close()


def call(page: Page, file: str, name: str, *given: Any) -> Any:
    """What a function of one of the page's modules answers."""
    return page.evaluate(MODULE, [file, name, *given])


COSINES = st.floats(-1, 1) | st.sampled_from([0.29, 0.4, 0.39999999999999997, -0.001, 1e-9, -1e-9])


@ON_ONE_PAGE
@given(similarity=COSINES)
def test_similarities_are_shown_as_the_service_shows_them(page: Page, similarity: float) -> None:
    shown = shown_similarity(similarity, SimilarityDetail.ROUNDED)
    assert float(call(page, "similarity", "shownSimilarity", similarity)) == shown


@ON_ONE_PAGE
@given(similarity=COSINES, threshold=st.floats(0, 1))
def test_two_photographs_are_judged_as_a_verification(
    page: Page, similarity: float, threshold: float
) -> None:
    bands = ARCFACE.bands
    ends = {"veryHigh": bands.very_high, "high": bands.high}
    ends |= {"borderline": bands.borderline, "low": bands.low}
    band = call(page, "similarity", "bandOf", similarity, ends)
    said = call(page, "similarity", "recommendationOf", similarity, threshold, band)
    decision = decide(similarity, Profile("any", threshold), ARCFACE)
    assert (band, said) == (decision.band, decision.recommendation)


def test_every_metric_is_read(page: Page) -> None:
    metrics = Metrics()
    metrics.answered("POST", '/odd"\\route', 200, "code", 0.03)
    text = exposition(metrics).decode()
    read = call(page, "exposition", "readExposition", text)
    expected = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    assert [(one["name"], one["labels"], one["value"]) for one in read] == expected


def test_quantiles_are_those_of_prometheus(page: Page) -> None:
    """`histogram_quantile` of Prometheus' documentation: evenly within a bucket."""
    histogram = {"bounds": [0.1, 0.5, 1.0], "counts": [50, 40, 10], "sum": 30.0}
    shares = (0.25, 0.5, 0.7, 0.95)
    found = [call(page, "exposition", "quantileOf", histogram, share) for share in shares]
    assert found == pytest.approx([0.05, 0.1, 0.3, 0.75])


def test_counters_of_a_server_started_anew_begin_again(page: Page) -> None:
    def sample(name: str, value: float) -> dict[str, Any]:
        return {"name": name, "labels": {}, "value": value}

    before = [sample("a_total", 7), sample("b_total", 5), sample("gauge", 9)]
    after = [sample("a_total", 9), sample("b_total", 2), sample("gauge", 4)]
    found = call(page, "samples", "difference", before, after)
    assert [one["value"] for one in found] == [2, 2, 4]


def test_strangers_of_a_search_are_reckoned_as_the_service_does(page: Page) -> None:
    """People times the rate, by its upper bound where there is one."""
    profile = Profile("door", 0.4, false_match_rate=1e-5, false_match_rate_bound=1e-4)
    shown = ProfileAnswer.of(profile, "en").model_dump(by_alias=True)
    for people in (0, 999, 1_000, 1_001, 10**6):
        search = search_threshold(profile, (), people, 0.1)
        expected = call(page, "strangers", "expectedStrangers", people, shown)
        assert expected == pytest.approx(search.expected_false_candidates)
        assert (people <= call(page, "strangers", "mostPeople", 0.1, shown)) == (
            not search.warnings
        )


def test_scripts_name_the_sentences_that_there_are() -> None:
    scripts = (FILES / "console").glob("*.js")
    text = "".join(each.read_text("utf-8") for each in scripts if each.stem not in ("ko", "en"))
    keys = sentences("console", "ko").keys()
    named = set(re.findall(r'\bget\("([\w.]+)"', text)) - {"key", "lang", "view"}
    assert named <= keys
    beginnings = [*re.findall(r"`([a-z_.]+\.)\$\{", text), "faces.", "liveness.", "policy."]
    unused = {
        key for key in keys if f'"{key}"' not in text and not key.startswith(tuple(beginnings))
    }
    assert unused == set()


def test_every_action_of_the_audit_log_has_its_words() -> None:
    script = (FILES / "console" / "audit_view.js").read_text("utf-8")
    for action in Action:
        assert f"action.{action}" in sentences("console", "en")
        assert f'"{action}"' in script
