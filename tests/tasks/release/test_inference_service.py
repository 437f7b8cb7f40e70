"""The manifest is what Kubernetes reads: camel case, no nulls, the signed release, a public key."""

import yaml
from release_recipe import recipe

from data_contracts.release import ModelVersion
from tasks.release.config import ReleaseConfig
from tasks.release.inference_service import inference_service, inference_service_yaml

VERSION = ModelVersion(
    name="sana-wm", version="0123456789ab", bundle="0123456789ab" + "0" * 52, weights="f" * 64, use="research",
    numerics="v2", clip_ids=["a"], licences=["MIT"], metrics={},
)  # fmt: skip


def walk(value):
    yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from walk(child)


def test_the_manifest_has_no_nulls_and_the_right_keys():
    for name in ("tiny", "paper"):
        service = ReleaseConfig.model_validate(recipe(name)).service
        manifest = inference_service(VERSION, service)
        assert manifest["apiVersion"] == "serving.kserve.io/v1beta1"
        assert manifest["kind"] == "InferenceService"
        assert None not in list(walk(manifest))
        predictor = manifest["spec"]["predictor"]
        assert predictor["minReplicas"] == 1
        container = predictor["containers"][0]
        assert container["image"] == service.image
        assert container["env"] == [{"name": "STORAGE_URI", "value": f"{service.storage_uri}/0123456789ab"}]
        assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/sana-wm/ready"
        assert ("nvidia.com/gpu" in container["resources"]["limits"]) == (service.gpus > 0)
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in predictor["volumes"]}


def test_the_yaml_reads_back_as_the_same():
    service = ReleaseConfig.model_validate(recipe()).service
    assert yaml.safe_load(inference_service_yaml(VERSION, service)) == inference_service(VERSION, service)


def test_the_pod_spec_is_valid_kubernetes():
    import kubernetes_validate

    service = ReleaseConfig.model_validate(recipe("paper")).service
    spec = inference_service(VERSION, service)["spec"]["predictor"]
    pod = {"containers": spec["containers"], "volumes": spec["volumes"]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}
    kubernetes_validate.validate(document, "1.33", strict=True)


def test_the_arguments_are_those_of_wm_serve():
    import inspect

    from workflows.cli.serve import serve

    service = ReleaseConfig.model_validate(recipe()).service
    arguments = inference_service(VERSION, service)["spec"]["predictor"]["containers"][0]["args"]
    options = {argument.removeprefix("--") for argument in arguments if argument.startswith("--")}
    assert options <= set(inspect.signature(serve).parameters)


def test_both_recipes_have_the_same_keys():
    assert recipe("tiny").keys() == recipe("paper").keys()
    assert recipe("tiny")["service"].keys() == recipe("paper")["service"].keys()
