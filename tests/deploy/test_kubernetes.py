"""The Kubernetes manifests: well-formed for the versions in use, and held to the service and its image."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from scripts.environment import ROOT
from service.cli.uvicorn_server import GRACE_SECONDS
from service.config import AppConfig, setting_names
from tests.api.test_guards import OPEN_TO_ALL
from tests.docs.test_printed_flags import mistakes

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")
"""The oldest and the newest that it is checked against."""

OPTIONAL = {"servicemonitor.yaml"}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
PAGE = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")

Object = dict[str, Any]


def _of_file(name: str) -> list[Object]:
    return [*yaml.safe_load_all((FOLDER / name).read_text("utf-8"))]


KUSTOMIZATION = _of_file("kustomization.yaml")[0]
OBJECTS = [each for name in KUSTOMIZATION["resources"] for each in _of_file(name)]
(MONITOR,) = _of_file("servicemonitor.yaml")


def the(kind: str) -> Object:
    (found,) = [each for each in OBJECTS if each["kind"] == kind]
    return found


def pod_templates() -> Iterator[tuple[str, Object]]:
    for each in OBJECTS:
        spec = each.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield each["metadata"]["name"], template


PODS = dict(pod_templates())
CONTAINERS = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("each", OBJECTS, ids=lambda each: each["kind"])
def test_manifest_is_as_kubernetes_takes_it(each: Object, version: str) -> None:
    kubernetes_validate.validate(each, version, strict=True)


def test_misspelled_field_would_be_found() -> None:
    wrong = {**the("Service"), "spec": {"selectr": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_applied_or_optional() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {*KUSTOMIZATION["resources"]} | OPTIONAL


@pytest.mark.skipif(
    not shutil.which("kubectl"), reason="no kubectl here: the files are only parsed"
)
def test_kustomize_builds_all_of_it_with_the_chosen_image() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=True
    )
    documents = [*yaml.safe_load_all(built.stdout)]
    assert len(documents) == len(OBJECTS)
    (image,) = KUSTOMIZATION["images"]
    assert built.stdout.count(f"image: {image['newName']}:{image['newTag']}\n") == len(PODS)


def test_images_are_those_of_compose() -> None:
    name = COMPOSE["services"]["service"]["image"]
    assert {container["image"] for container in CONTAINERS.values()} == {name}
    assert [image["name"] for image in KUSTOMIZATION["images"]] == [name]
    assert f"FROM {name}\n" in (FOLDER / "Dockerfile").read_text("utf-8")


def test_version_is_the_projects() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{KUSTOMIZATION["images"][0]["newTag"]}"\n' in project


def test_settings_are_settings_with_valid_values(monkeypatch: pytest.MonkeyPatch) -> None:
    given = the("ConfigMap")["data"]
    named = {each["name"] for one in CONTAINERS.values() for each in one["env"]}
    assert {*given, *named} <= setting_names()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert AppConfig(_env_file=None).model_name == given["FACE_MODEL_NAME"]


def test_port_is_the_services_and_is_named_the_same_everywhere() -> None:
    (port,) = CONTAINERS["face"]["ports"]
    assert port["containerPort"] == AppConfig.model_fields["server_port"].default
    assert f"EXPOSE {port['containerPort']}\n" in DOCKERFILE
    (served,) = the("Service")["spec"]["ports"]
    assert (served["port"], served["targetPort"]) == (port["containerPort"], port["name"])
    assert MONITOR["spec"]["endpoints"][0]["port"] == served["name"]
    assert the("NetworkPolicy")["spec"]["ingress"][0]["ports"] == [{"port": port["name"]}]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_ask_calls_that_need_no_key(probe: str) -> None:
    asked = CONTAINERS["face"][probe]["httpGet"]
    assert asked["path"] in OPEN_TO_ALL
    assert asked["port"] == CONTAINERS["face"]["ports"][0]["name"]


def test_lost_database_takes_a_pod_out_of_service_and_restarts_none() -> None:
    assert CONTAINERS["face"]["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert CONTAINERS["face"]["livenessProbe"]["httpGet"]["path"] == "/healthz"


@pytest.mark.parametrize("name", PODS)
def test_pod_can_do_nothing_but_its_work(name: str) -> None:
    spec, container = PODS[name]["spec"], CONTAINERS[name]
    user = re.search(r"--uid (\d+)", DOCKERFILE)
    assert user is not None
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(user[1])
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} == set(container["resources"]["limits"])
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


def test_namespace_refuses_pods_that_could_do_more() -> None:
    labels = the("Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert the("Namespace")["metadata"]["name"] == KUSTOMIZATION["namespace"]
    assert MONITOR["metadata"]["namespace"] == KUSTOMIZATION["namespace"]


@pytest.mark.parametrize("name", PODS)
def test_what_is_mounted_is_there(name: str) -> None:
    volumes = {volume["name"] for volume in PODS[name]["spec"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINERS[name]["volumeMounts"]}
    assert mounts.keys() == volumes
    for file in ("FACE_DATABASE_PASSWORD_FILE", "FACE_MASTER_KEY_FILE"):
        folder, _, path = the("ConfigMap")["data"][file].rpartition("/")
        assert mounts["secrets"] == folder
        assert path in {item["path"] for item in _secret_items(name)}


def _secret_items(name: str) -> Iterator[dict[str, str]]:
    (secrets,) = [v for v in PODS[name]["spec"]["volumes"] if v["name"] == "secrets"]
    for source in secrets["projected"]["sources"]:
        yield from source["secret"]["items"]


def _secrets(value: object) -> Iterator[str]:
    """Names of all that `value` refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _secrets(each)
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("secret", "secretKeyRef", "credentials"):
                yield each["name"]
            yield from _secrets(each)


def test_secrets_are_referred_to_and_the_page_makes_each() -> None:
    named = {*_secrets([*OBJECTS, MONITOR])}
    assert named == {
        "face-master-key",
        "face-database",
        "face-database-owner",
        "face-metrics",
    }
    made = re.findall(r"kubectl create secret generic ([a-z-]+) ", PAGE)
    assert {*made} == named
    assert "Secret" not in {each["kind"] for each in OBJECTS}


def test_owner_of_the_tables_migrates_and_backs_up_and_does_not_serve() -> None:
    of_owner = {name for name, pod in PODS.items() if "face-database-owner" in _secrets(pod)}
    assert of_owner == {"face-migrate", "face-backup"}


def test_nothing_leaves_but_to_the_database_and_its_name() -> None:
    policy = the("NetworkPolicy")["spec"]
    assert policy["podSelector"] == {}
    assert {*policy["policyTypes"]} == {"Ingress", "Egress"}
    database, names = policy["egress"]
    (address,) = database["to"]
    assert address["ipBlock"]["cidr"].endswith("/32")
    assert [port["port"] for port in database["ports"]] == [5432]
    assert {port["port"] for port in names["ports"]} == {53}
    assert names["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "Deployment"])
def test_selector_finds_the_services_pods_and_no_others(kind: str) -> None:
    selector = the(kind)["spec"]["selector"]
    wanted = selector.get("matchLabels", selector).items()
    found = {name for name, pod in PODS.items() if wanted <= pod["metadata"]["labels"].items()}
    assert found == {"face"}


def test_one_pod_may_go_and_another_stays() -> None:
    assert (
        the("PodDisruptionBudget")["spec"]["minAvailable"] < the("Deployment")["spec"]["replicas"]
    )


def test_calls_under_way_have_the_time_that_the_service_gives_them() -> None:
    before = int(CONTAINERS["face"]["lifecycle"]["preStop"]["exec"]["command"][1])
    grace = PODS["face"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= before + GRACE_SECONDS


@pytest.mark.parametrize("name", ["face-migrate", "face-backup"])
def test_command_is_one_of_the_service(name: str) -> None:
    line = " ".join(CONTAINERS[name]["command"])
    found = re.search(r"\bface ([a-z-]+)", line)
    assert found is not None
    assert mistakes([found[1]]) == []
    assert "ENTRYPOINT" not in DOCKERFILE  # it would not get the command
