"""The deployment files against their schemas, which come with the validators' packages: nothing is downloaded."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

yaml = pytest.importorskip("ruamel.yaml")
DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SCHEMA_VERSIONS = ("1.31.0", "1.37.0")
KINDS = {
    "Namespace", "PersistentVolumeClaim", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy",
    "HorizontalPodAutoscaler",
}  # fmt: skip
NOT_KUBERNETES = ("kustomization.yaml", "prometheus-adapter-values.yaml")


def load(path):
    return yaml.YAML(typ="safe").load(path)


@pytest.fixture(scope="module")
def manifests():
    paths = [path for path in sorted(KUBERNETES.glob("*.yaml")) if path.name not in NOT_KUBERNETES]
    return {path.name: load(path) for path in paths}


@pytest.fixture(scope="module")
def dashboard():
    return json.loads((DEPLOY / "grafana" / "dashboards" / "oviton.json").read_text())


def test_the_compose_file_meets_the_compose_specification():
    jsonschema = pytest.importorskip("jsonschema")
    schemas = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    compose = load(DEPLOY / "compose.yaml")
    assert [error.message for error in validator.iter_errors(compose)] == []
    compose["services"]["triton"]["healthcheck"]["retires"] = 3
    assert any("retires" in error.message for error in validator.iter_errors(compose))  # it does look


def test_the_compose_files_mounts_exist():
    root = DEPLOY.parents[1]
    for service in load(DEPLOY / "compose.yaml")["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./docs"):
                assert (root / source).exists(), source


@pytest.mark.parametrize("version", SCHEMA_VERSIONS)
def test_every_manifest_meets_kubernetes_own_schema(manifests, version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    assert {manifest["kind"] for manifest in manifests.values()} == KINDS
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, version, strict=True)
    broken = manifests["deployment.yaml"] | {"spec": {**manifests["deployment.yaml"]["spec"], "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def test_manifests_fit_each_other(manifests):
    listed = load(KUBERNETES / "kustomization.yaml")["resources"]
    assert sorted(listed) == sorted(manifests)
    deployment, service = manifests["deployment.yaml"], manifests["service.yaml"]
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        manifests["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
        manifests["network-policy.yaml"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    assert manifests["autoscaler.yaml"]["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [manifests["repository.yaml"]["metadata"]["name"]]


def test_the_autoscalers_metrics_are_defined(manifests):
    promql = pytest.importorskip("promql_parser")
    rules = {
        rule["name"]["as"]: rule for rule in load(KUBERNETES / "prometheus-adapter-values.yaml")["rules"]["custom"]
    }
    wanted = {metric["pods"]["metric"]["name"] for metric in manifests["autoscaler.yaml"]["spec"]["metrics"]}
    assert wanted == set(rules)
    for rule in rules.values():
        query = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'pod=~"a|b"').replace("<<.GroupBy>>", "pod")
        promql.parse(query)
        promql.parse(rule["seriesQuery"])


def test_grafana_knows_every_field_of_the_dashboard(dashboard):
    """Read and written by Grafana's own model: a field that it does not know would get lost."""
    pytest.importorskip("grafana_foundation_sdk")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    written = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    assert lost(dashboard, written) == []
    dashboard = json.loads(json.dumps(dashboard))
    dashboard["panels"][1]["fieldConfig"]["defaults"]["unti"] = "s"
    assert lost(dashboard, json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))) != []


def lost(given, written, path=""):
    if isinstance(given, dict):
        return [
            found
            for key, value in given.items()
            for found in (lost(value, written[key], f"{path}.{key}") if key in written else [f"{path}.{key}"])
            if value is not None
        ]
    if isinstance(given, list):
        pairs = enumerate(zip(given, written, strict=True))
        return [found for index, (a, b) in pairs for found in lost(a, b, f"{path}[{index}]")]
    return [] if given == written else [path]


def queries(dashboard):
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_every_query_parses(dashboard):
    promql = pytest.importorskip("promql_parser")
    assert len(queries(dashboard)) > 15
    for query in queries(dashboard):
        promql.parse(query.replace("$__rate_interval", "1m").replace("$instance", "a"))


def test_panels_do_not_overlap_and_are_told_apart(dashboard):
    cells = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & own, panel["title"]
        cells |= own
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_names_of_metrics_are_those_that_are_documented(dashboard):
    served = (DEPLOY.parent / "serving.md").read_text()
    names = {name for query in queries(dashboard) for name in re.findall(r"\boviton_\w+", query)}
    assert names
    assert all(f"`{name}" in served for name in names)
