"""THE stage graph: nineteen stages in order. Flyte workflows, ``dvc.yaml`` and the plan are all derived from it.

``inputs`` decide a stage's key; ``reads`` are artifacts whose media it opens, whose digests already stand in an input.
So what comes after ``filter`` is keyed by the accepted list alone: a threshold that changes no verdict reruns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.errors import ErrorCode, InputError
from infra.settings import ComputeClass
from infra.stage_spec import CORPUS, Preview, Requirement, StageSpec

CONTRACTS = ("data_contracts/contracts/*.yaml",)
SERVED = ("serving/**/*.py", "tasks/release/registered_model.py")  # run in processes of their own, imported by none
MINIMUM_ACCEPTED = 4

_ENOUGH_CLIPS = Requirement(
    metric="accepted",
    minimum=MINIMUM_ACCEPTED,
    code=ErrorCode.TOO_FEW_ACCEPTED,
    message="accepted clips are {value}; at least {minimum} are needed to train",
    fix="add videos; `wm corpus stats` and `wm why CLIP_ID` say why clips were rejected",
)

_TRAINED = (
    "vae_adaptation",
    "frame_gdn",
    "hybrid_attention",
    "minute_camera",
    "quality_sft",
    "chunk_causal",
    "ode_init",
    "self_forcing",
    "refiner_lora",
)


def _training(name: str, parent: str | None, compute: ComputeClass = ComputeClass.TRAINING) -> StageSpec:
    return StageSpec(
        name=name,
        function="tasks.training.stage:run_training",
        config="tasks.training.config:TrainingConfig",
        inputs=("latents", *([parent] if parent else [])),
        outputs=(name,),
        compute=compute,
    )


def _stage(
    name: str,
    group: str,
    inputs: tuple[str, ...],
    *,
    reads: tuple[str, ...] = (),
    module: str = "stage",
    compute: ComputeClass = ComputeClass.CORPUS,
    shardable: bool = False,
    resources: tuple[str, ...] = (),
) -> StageSpec:
    return StageSpec(
        name=name,
        function=f"tasks.{group}.{module}:run_{name}",
        config=f"tasks.{group}.config:{name.title().replace('_', '')}Config",
        inputs=inputs,
        outputs=(name,),
        reads=reads,
        compute=compute,
        shardable=shardable,
        resources=resources,
    )


STAGES: tuple[StageSpec, ...] = (
    _stage("ingest", "ingest", (CORPUS,), shardable=True),
    StageSpec(
        name="screen",
        function="tasks.filtering.screen:run_screen",
        config="tasks.filtering.config:ScreenConfig",
        inputs=("ingest",),
        outputs=("screen",),
        resources=CONTRACTS,
        shardable=True,
        preview=Preview.RULES,
    ),
    _stage("pose", "pose", ("ingest", "screen"), shardable=True),
    _stage("splat", "splat", ("ingest",), shardable=True),
    StageSpec(
        name="filter",
        function="tasks.filtering.stage:run_filter",
        config="tasks.filtering.config:FilterConfig",
        inputs=("ingest", "screen", "pose", "splat"),
        outputs=("filter_accepted", "filter_verdicts", "filter_scores"),
        resources=CONTRACTS,
        preview=Preview.ALWAYS,
        requirement=_ENOUGH_CLIPS,
    ),
    _stage("caption", "captioning", ("filter_accepted",), reads=("ingest", "splat"), shardable=True),
    _stage("latents", "latents", ("filter_accepted", "caption"), reads=("ingest", "pose", "splat"), shardable=True),
    _training("vae_adaptation", None),
    _training("frame_gdn", "vae_adaptation", ComputeClass.TRAINING_64),
    _training("hybrid_attention", "frame_gdn", ComputeClass.TRAINING_64),
    _training("minute_camera", "hybrid_attention", ComputeClass.TRAINING_64),
    _training("quality_sft", "minute_camera", ComputeClass.TRAINING_64),
    _training("chunk_causal", "quality_sft"),
    _stage("ode_init", "distillation", ("latents", "chunk_causal"), compute=ComputeClass.TRAINING),
    _stage("self_forcing", "distillation", ("latents", "ode_init", "quality_sft"), compute=ComputeClass.TRAINING),
    _stage("refiner_lora", "refining", ("latents", "self_forcing"), compute=ComputeClass.TRAINING),
    _stage("quantize", "quantization", ("self_forcing", "refiner_lora"), compute=ComputeClass.EVALUATION),
    _stage(
        "evaluate",
        "evaluation",
        ("self_forcing", "refiner_lora", "latents", "filter_accepted"),
        reads=("ingest", "pose", "splat", "caption"),
        compute=ComputeClass.EVALUATION,
    ),
    _stage(
        "release",
        "release",
        ("filter_accepted", "caption", "latents", *_TRAINED, "quantize", "evaluate"),
        reads=("ingest", "screen", "pose", "splat", "filter_verdicts", "filter_scores"),
        compute=ComputeClass.EVALUATION,
        resources=SERVED,
    ),
)


@dataclass(frozen=True)
class StageGraph:
    """Stages in the order in which they run."""

    stages: tuple[StageSpec, ...]

    @property
    def names(self) -> list[str]:
        """The ids, in order."""
        return [spec.name for spec in self.stages]

    def find(self, name: str) -> StageSpec:
        """The stage of this name.

        Raises:
            InputError: there is none.
        """
        for spec in self.stages:
            if spec.name == name:
                return spec
        known = ", ".join(self.names)
        raise InputError(ErrorCode.UNKNOWN_STAGE, f"stage is {name!r}; known stages are {known}", "pass one of them")

    def producer(self, artifact: str) -> StageSpec:
        """The stage that makes an artifact."""
        return next(spec for spec in self.stages if artifact in spec.outputs)

    def span(self, first: str | None, last: str | None) -> list[StageSpec]:
        """The stages from ``first`` to ``last``, both included; None is an open end.

        Raises:
            InputError: an unknown name, or an end before its start.
        """
        start = self.names.index(self.find(first).name) if first else 0
        end = self.names.index(self.find(last).name) if last else len(self.names) - 1
        if end < start:
            raise InputError(
                ErrorCode.SPAN_EMPTY,
                f"--from {first} comes after --until {last}",
                f"stages run in this order: {', '.join(self.names)}",
            )
        return list(self.stages[start : end + 1])


GRAPH = StageGraph(STAGES)


def outside_artifacts(stages: Sequence[StageSpec]) -> list[str]:
    """Artifacts that the stages use and none of them makes, sorted."""
    made = {output for spec in stages for output in spec.outputs}
    used = {artifact for spec in stages for artifact in (*spec.inputs, *spec.reads)}
    return sorted(used - made)
