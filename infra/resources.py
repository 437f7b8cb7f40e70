"""From a profile's compute classes to Flyte: what a task's pods ask for, and where it runs as a PyTorchJob.

One of the few files that import flytekit. The profile is read when a task module is imported, as Flyte registers it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flytekit import PodTemplate, task

from infra.settings import Compute, ComputeClass, OrchestratorKind, Settings, load_settings

if TYPE_CHECKING:
    from flytekitplugins.kfpytorch import Elastic

WORKDIR_VOLUME = "workdir"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def stage_task(compute: ComputeClass) -> Callable[[Callable[..., Any]], Any]:
    """Decorator of a stage's Flyte task: local execution gets a plain task, a cluster the resources of its class."""
    settings = load_settings()
    if settings.orchestrator.kind is OrchestratorKind.IN_PROCESS:
        return task(cache=False)
    size = settings.compute[compute]
    return task(
        task_config=elastic(size),
        container_image=settings.orchestrator.image,
        pod_template=pod_template(settings, size),
        environment={"SANA_WM_PROFILE": settings.profile},
        cache=False,  # switched on per node, with our key as its version
    )


def resources(size: Compute) -> dict[str, str]:
    """What one pod asks for and is limited to, by Kubernetes' own names.

    Flyte's ``Resources`` would write a GPU beside a pod template as ``gpu``, which no scheduler knows.
    """
    gpus = {"nvidia.com/gpu": str(size.gpus)} if size.gpus else {}
    return {"cpu": str(size.cpu), "memory": f"{size.memory_gib}Gi", **gpus}


def elastic(size: Compute) -> "Elastic | None":
    """A torchrun group over all GPUs of several nodes (a PyTorchJob); None where one pod is enough.

    A single node needs none: its stage starts its own torchrun group in the pod.
    """
    if size.nodes == 1:
        return None
    from flytekitplugins.kfpytorch import Elastic

    return Elastic(nnodes=size.nodes, nproc_per_node=size.gpus, max_restarts=0)


def pod_template(settings: Settings, size: Compute) -> PodTemplate:
    """The pod of a task: its resources, the shared workdir volume, and the queue that schedules a gang at once."""
    from kubernetes.client import (
        V1Container,
        V1PersistentVolumeClaimVolumeSource,
        V1PodSpec,
        V1ResourceRequirements,
        V1Volume,
        V1VolumeMount,
    )

    claim = V1PersistentVolumeClaimVolumeSource(claim_name="sana-wm-workdir")
    mount = V1VolumeMount(name=WORKDIR_VOLUME, mount_path=settings.workdir)
    wanted = V1ResourceRequirements(requests=resources(size), limits=resources(size))
    return PodTemplate(
        primary_container_name="primary",
        labels={QUEUE_LABEL: settings.orchestrator.queue},
        pod_spec=V1PodSpec(
            containers=[V1Container(name="primary", volume_mounts=[mount], resources=wanted)],
            volumes=[V1Volume(name=WORKDIR_VOLUME, persistent_volume_claim=claim)],
        ),
    )
