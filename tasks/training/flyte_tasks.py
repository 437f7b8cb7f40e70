"""Flyte tasks of the progressive and autoregressive training stages: shells, whose code is imported in the body."""

from infra.request import Ids, RunRequest, StageCall
from infra.resources import stage_task
from infra.settings import ComputeClass


@stage_task(ComputeClass.TRAINING)
def vae_adaptation(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Table 7, before stage 1: adapt to the codec (linear attention)."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["vae_adaptation"]


@stage_task(ComputeClass.TRAINING_64)
def frame_gdn(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Table 7, stage 1: frame-wise gated delta rule."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["frame_gdn"]


@stage_task(ComputeClass.TRAINING_64)
def hybrid_attention(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Table 7, stage 2: softmax blocks join."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["hybrid_attention"]


@stage_task(ComputeClass.TRAINING_64)
def minute_camera(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Table 7, stage 3: minute-long clips with cameras."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["minute_camera"]


@stage_task(ComputeClass.TRAINING_64)
def quality_sft(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Table 7, stage 4: the best clips."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["quality_sft"]


@stage_task(ComputeClass.TRAINING)
def chunk_causal(run: RunRequest, call: StageCall, artifacts: Ids, reads: Ids) -> str:
    """Autoregressive fine-tuning in chunks."""
    from infra.execution import execute_call

    return execute_call(run, call, {**artifacts, **reads})["chunk_causal"]
