"""What the wiring hands to whom."""

from __future__ import annotations

import base64
import logging
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from service.adapters import identify_model, key_file, save_measurement
from service.api.settings import ApiSettings
from service.config import AppConfig
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.errors import (
    DirectoryNotAllowed,
    ExtraMissing,
    MasterKeyInvalid,
    MasterKeyMissing,
)
from service.domain.face import DirectoryImages
from service.domain.measurement import MeasuredProfile, Measurement
from service.domain.template import template_of
from service.domain.thresholds import ARCFACE, DLIB, OperatingPoint
from service.search.two_bits import BYTES_PER_ROW
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.wiring import Wiring, build_app
from tests.enrolled import add_people
from tests.usecases.stand_ins import embedding_of_photo
from tests.vault.wrappers import kms_server, new_kms_key, use_kms

ZEROS, ONES = (base64.b64encode(bytes([value]) * 32).decode() for value in (0, 1))


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> AppConfig:
    """On a database of this test's own."""
    return AppConfig(
        database_url=database_url,
        master_key=ZEROS,
        data_dir=tmp_path / "data",
        use_gpu=False,
        camera_index=0,
    )


@pytest.fixture
def served(config: AppConfig, model_root: Path) -> AppConfig:
    """With a model to serve."""
    return config.model_copy(update={"model_name": "mobile_s", "model_root": model_root})


def settings_of(app: FastAPI) -> ApiSettings:
    settings: ApiSettings = app.state.settings
    return settings


def test_master_key_is_the_value_given(config: AppConfig) -> None:
    Wiring(config).prepare()
    with pytest.raises(MasterKeyInvalid):
        Wiring(_with(config, master_key=ONES)).prepare()


def test_master_key_is_read_from_the_file_given(config: AppConfig, tmp_path: Path) -> None:
    Wiring(config).prepare()
    (tmp_path / "key").write_text(f"{ZEROS}\n")
    Wiring(_with(config, master_key=None, master_key_file=tmp_path / "key")).prepare()
    (tmp_path / "key").write_text(f"{ONES}\n")
    with pytest.raises(MasterKeyInvalid):
        Wiring(_with(config, master_key=None, master_key_file=tmp_path / "key")).prepare()


def test_master_key_may_be_kept_by_a_kms(
    config: AppConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kms_server() as endpoint:
        use_kms(monkeypatch, endpoint)
        kept = _with(config, master_key=None, master_key_kms=new_kms_key())
        Wiring(kept).prepare()
        Wiring(kept).prepare()
        with pytest.raises(MasterKeyInvalid):
            Wiring(config).prepare()


def test_kms_without_its_library_is_told(
    config: AppConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "service.vault.aws_kms", raising=False)
    with pytest.raises(ExtraMissing) as told:
        Wiring(_with(config, master_key_kms="alias/face")).prepare()
    assert told.value.values == {"extra": "aws"}


def test_master_key_of_an_external_database_is_never_made_up(config: AppConfig) -> None:
    wiring = Wiring(_with(config, master_key=None))
    with pytest.raises(MasterKeyMissing):
        wiring.prepare()
    assert not key_file(wiring.config).exists()


def test_master_key_of_the_embedded_database_is_made_for_its_owner_only(tmp_path: Path) -> None:
    wiring = Wiring(AppConfig(data_dir=tmp_path / "data"))
    assert wiring.vault is not None
    wiring.embedded.stop()
    assert key_file(wiring.config) == tmp_path / "data" / "master.key"
    assert len(base64.b64decode(key_file(wiring.config).read_text())) == 32
    if os.name == "posix":
        assert stat.S_IMODE(key_file(wiring.config).stat().st_mode) == 0o600


def test_default_collection_exists_once_prepared(config: AppConfig) -> None:
    wiring = Wiring(config)
    wiring.prepare()
    assert wiring.subjects.page("default", 1, None).subjects == []


def test_folders_are_confined_for_callers_over_http_only(tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir()
    config = AppConfig(image_roots=(tmp_path / "roots",))
    outside = DirectoryImages(str(tmp_path), 1)
    inside = DirectoryImages(str(tmp_path / "roots"), 1)
    confined = Wiring(config, over_http=True).capture
    assert confined.stills(inside) == []
    with pytest.raises(DirectoryNotAllowed):
        confined.stills(outside)
    assert Wiring(config).capture.stills(outside) == []


def test_without_roots_callers_over_http_read_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DirectoryNotAllowed):
        Wiring(AppConfig(), over_http=True).capture.stills(DirectoryImages(str(tmp_path), 1))


def test_thresholds_of_the_settings_reach_the_decisions() -> None:
    profiles = {"mobile_s": {"balanced": 0.42, "door": 0.6}, "other": {"balanced": 0.9}}
    config = AppConfig(model_name="mobile_s", threshold_profiles=profiles)
    calibration = Wiring(config).calibration
    assert calibration.profile("balanced").threshold == 0.42
    assert calibration.profile("door").threshold == 0.6
    assert calibration.profile("aggressive").threshold == 0.30


def test_a_folder_of_a_known_name_with_another_file_claims_nothing(
    tmp_path: Path, model_root: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "buffalo_l").symlink_to(model_root / "models" / "mobile_s")
    wiring = Wiring(AppConfig(model_name="buffalo_l", model_root=tmp_path))
    assert wiring.calibration.profiles == ARCFACE.profiles
    assert "engine" not in vars(wiring)


def test_dlib_is_known_by_its_weights() -> None:
    pytest.importorskip("dlib")
    assert Wiring(AppConfig(model_name="dlib")).calibration == DLIB


def test_commands_about_keys_and_people_ask_for_no_model(config: AppConfig) -> None:
    wiring = Wiring(_with(config, model_name="nopack"))
    wiring.prepare()
    assert not {"engine", "calibration"} & vars(wiring).keys()


def test_parts_are_built_when_asked_for_and_once() -> None:
    wiring = Wiring(AppConfig(model_name="nopack"))
    assert wiring.capture is wiring.capture
    assert "engine" not in vars(wiring)


def test_open_tokens_are_for_this_machine(served: AppConfig) -> None:
    app = build_app(_with(served, open_tokens=True, server_host="127.0.0.1"))
    assert settings_of(app).open_tokens


def test_open_tokens_have_no_effect_beyond_this_machine(
    served: AppConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "service.wiring"):
        app = build_app(_with(served, open_tokens=True, server_host="0.0.0.0"))
    assert not settings_of(app).open_tokens
    assert "open_tokens has no effect" in caplog.text


def test_metrics_without_a_key_are_for_this_machine(
    served: AppConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "service.wiring"):
        near = build_app(_with(served, open_metrics=True))
        far = build_app(_with(served, open_metrics=True, server_host="0.0.0.0"))
    assert settings_of(near).open_metrics
    assert not settings_of(far).open_metrics
    assert caplog.text.count("open_metrics has no effect") == 1


def _with(config: AppConfig, **changes: object) -> AppConfig:
    """`config` with some settings made anew, and checked."""
    given = {name: getattr(config, name) for name in config.model_fields_set}
    return AppConfig(**{**given, **changes})


def test_what_was_measured_of_a_model_is_its_calibration(served: AppConfig) -> None:
    model = identify_model(served)
    assert model is not None
    point = OperatingPoint(0.30, 0.05)
    now = datetime(2026, 11, 27, tzinfo=UTC)
    rates = MeasuredProfile("balanced", 0.40, 0.008, 0.009, 0.005, 0.01)
    save_measurement(served, Measurement(model, now, 40, 400, (1,), (rates,), (point,), 5.6))
    wiring = Wiring(served)
    assert wiring.calibration.profile("balanced").false_match_rate_bound == 0.009
    assert wiring.calibration.operating_points == (point,)
    assert wiring.models.present.calibration == wiring.calibration


def test_capacity_reckons_with_the_collections_that_searches_hold(
    config: AppConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring, rows = Wiring(config), 3
    wiring.prepare()
    with wiring.storage.transaction() as tx:
        collection = require_collection(tx, DEFAULT_COLLECTION)
        people = UnlockedCollection.unlock(collection, wiring.vault)
        templates = [(f"p{n}", template_of([embedding_of_photo(f"p{n}")])) for n in range(rows)]
        sealed = people.seal_all(templates, "crowd@sha256:0", wiring.clock())
        add_people(tx, collection, sealed, wiring.clock())
    assert wiring.capacity.process_memory().search == 0  # too few to be held
    monkeypatch.setattr("service.wiring.WORTH_HOLDING", 1)
    assert wiring.capacity.process_memory().search == rows * BYTES_PER_ROW
    none = Wiring(config.model_copy(update={"search_memory": 0}))
    assert none.capacity.process_memory().search == 0
