"""Flow matching: noise levels, the training objective, guidance and samplers."""

from model.flow.guidance import Conditions
from model.flow.objective import FlowSample, flow_loss, flow_sample
from model.flow.rollout import GraphedRollout, PlainRollout, Rollout
from model.flow.samplers import sample_bidirectional, sample_staggered, sample_streaming, stream_chunks
from model.flow.schedule import STREAMING_SIGMAS, euler_sigmas, explicit_sigmas, integer_timesteps, training_sigmas

__all__ = [
    "STREAMING_SIGMAS",
    "Conditions",
    "FlowSample",
    "GraphedRollout",
    "PlainRollout",
    "Rollout",
    "euler_sigmas",
    "explicit_sigmas",
    "flow_loss",
    "flow_sample",
    "integer_timesteps",
    "sample_bidirectional",
    "sample_staggered",
    "sample_streaming",
    "stream_chunks",
    "training_sigmas",
]
