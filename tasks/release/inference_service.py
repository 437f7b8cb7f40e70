"""The InferenceService of a release, from KServe's and Kubernetes' own client objects."""

from typing import cast

import yaml

from data_contracts.release import ModelVersion
from tasks.release.config import ServiceConfig

WORKDIR = "/var/lib/sana-wm"
MODELS = "/mnt/models"  # where KServe's storage initializer puts what STORAGE_URI names
PORT = 8080
KEY_CONFIG_MAP = "sana-wm-signing-key"


def inference_service(version: ModelVersion, config: ServiceConfig) -> dict[str, object]:
    """The custom resource as plain data, without a single null.

    The pod downloads the signed release beside its manifest and signature, checks them against the public key in a
    config map, and is ready only after the bundle is loaded.
    """
    from kserve import V1beta1InferenceService, V1beta1InferenceServiceSpec, V1beta1PredictorSpec
    from kubernetes.client import ApiClient, V1ObjectMeta

    service = V1beta1InferenceService(
        api_version="serving.kserve.io/v1beta1",
        kind="InferenceService",
        metadata=V1ObjectMeta(
            name=version.name,
            namespace=config.namespace,
            labels={"sana-wm/version": version.version},
            annotations={"sana-wm/bundle": version.bundle, "sana-wm/weights": version.weights},
        ),
        spec=V1beta1InferenceServiceSpec(
            predictor=V1beta1PredictorSpec(
                min_replicas=1,
                max_replicas=config.max_replicas,
                containers=[_container(version, config)],
                volumes=_volumes(),
            )
        ),
    )
    return cast("dict[str, object]", ApiClient().sanitize_for_serialization(service))


def inference_service_yaml(version: ModelVersion, config: ServiceConfig) -> str:
    """The same as YAML, keys in order."""
    return yaml.safe_dump(inference_service(version, config), sort_keys=True)


def _container(version: ModelVersion, config: ServiceConfig):  # noqa: ANN202 - a type of the lazily imported client
    from kubernetes.client import V1Container, V1ContainerPort, V1EnvVar, V1HTTPGetAction, V1Probe, V1VolumeMount

    ready = V1HTTPGetAction(path=f"/v2/models/{version.name}/ready", port=PORT)
    live = V1HTTPGetAction(path="/v2/health/live", port=PORT)
    return V1Container(
        name="kserve-container",
        image=config.image,
        command=["wm", "serve"],
        args=["--workdir", WORKDIR, "--bundle", f"{MODELS}/release", "--host", "0.0.0.0", "--port", str(PORT)],
        env=[V1EnvVar(name="STORAGE_URI", value=f"{config.storage_uri}/{version.version}")],
        ports=[V1ContainerPort(container_port=PORT, name="http1", protocol="TCP")],
        resources=_resources(config),
        readiness_probe=V1Probe(http_get=ready, period_seconds=5, failure_threshold=3),
        startup_probe=V1Probe(http_get=ready, period_seconds=5, failure_threshold=240),
        liveness_probe=V1Probe(http_get=live, period_seconds=10, failure_threshold=6),
        volume_mounts=[
            V1VolumeMount(name="jobs", mount_path=WORKDIR),
            V1VolumeMount(name="signing-key", mount_path=f"{WORKDIR}/keys", read_only=True),
        ],
    )


def _resources(config: ServiceConfig):  # noqa: ANN202 - as above
    from kubernetes.client import V1ResourceRequirements

    asked = {"cpu": str(config.cpu), "memory": f"{config.memory_gib}Gi"}
    gpus = {"nvidia.com/gpu": str(config.gpus)} if config.gpus else {}
    return V1ResourceRequirements(requests={**asked, **gpus}, limits={"memory": asked["memory"], **gpus})


def _volumes() -> list:
    from kubernetes.client import V1ConfigMapVolumeSource, V1EmptyDirVolumeSource, V1Volume

    return [
        V1Volume(name="jobs", empty_dir=V1EmptyDirVolumeSource()),
        V1Volume(name="signing-key", config_map=V1ConfigMapVolumeSource(name=KEY_CONFIG_MAP)),
    ]
