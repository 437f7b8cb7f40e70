"""Configuration of the ``release`` stage."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.licence import Use
from data_contracts.release import LicensedPart


class ServiceConfig(Record):
    """The InferenceService: where it runs and what a pod asks for.

    Attributes:
        namespace: of Kubernetes.
        image: container image with the product installed.
        storage_uri: where released directories are uploaded; the version is appended.
        gpus: per pod; 0 asks for none.
        cpu: cores per pod, ``memory_gib`` its memory.
        max_replicas: largest number of pods.
    """

    namespace: str = Field(min_length=1)
    image: str = Field(min_length=1)
    storage_uri: str = Field(min_length=1)
    gpus: int = Field(ge=0)
    cpu: int = Field(ge=1)
    memory_gib: int = Field(ge=1)
    max_replicas: int = Field(ge=1)


class ReleaseConfig(Record):
    """What is released, and what it must show.

    Attributes:
        name: of the registered model and of the service.
        use: what the release is declared to be for; the run's ``--use`` replaces it.
        taken_down: clips and source videos with a tombstone; the run fills it in.
        parts: tools and weights in the closure, with their licences.
        minimum_fall: least relative fall of every stage's held-out objective.
        smallest_ratio: least pixel deviation of a ten-fold rollout over its first chunk, ``largest_ratio`` the most.
        minimum_deviation: least standard deviation of a video's pixels (0..255).
        minimum_change: least mean change between its first and last frame (0..255).
        mode_steps: steps of the bidirectional sampler, ``shift`` and ``guidance`` likewise.
        cached_chunks: chunks softmax blocks keep, ``sink`` whether the first always is one.
        smoke_action: what the smoke test asks for.
        smoke_seconds: how long server and video may take.
        service: the InferenceService.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,50}$")
    use: Use
    taken_down: tuple[str, ...] = ()
    parts: list[LicensedPart]
    minimum_fall: float
    smallest_ratio: float = Field(gt=0)
    largest_ratio: float = Field(gt=0)
    minimum_deviation: float = Field(ge=0)
    minimum_change: float = Field(ge=0)
    mode_steps: int = Field(ge=1)
    shift: float = Field(gt=0)
    guidance: float = Field(ge=1)
    cached_chunks: int = Field(ge=1)
    sink: bool
    smoke_action: str = Field(min_length=1)
    smoke_seconds: float = Field(gt=0)
    service: ServiceConfig
