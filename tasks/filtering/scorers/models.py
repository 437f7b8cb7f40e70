"""The scorers of the cluster profile that need weights: those that the configuration has a place for."""

from pathlib import Path

from tasks.filtering.config import ModelScorers
from tasks.filtering.scorers import dover, unimatch
from tasks.filtering.scorers.protocol import Scorer
from tasks.filtering.scorers.vlm import VlmScorer
from tasks.vision.onnx_network import open_network
from tasks.vision.vlm_endpoint import VlmEndpoint, read_api_key


def model_scorers(config: ModelScorers) -> tuple[Scorer, ...]:
    """The configured scorers; the cells of Table 6 that lack theirs stay ``not_evaluated``.

    Raises:
        InputError: an ONNX file is missing, is not the named one or has another signature, or its device is absent.
        OperationError: a secret that the configuration names cannot be read.
    """
    scorers: list[Scorer] = []
    if config.vlm_endpoint:
        scorers.append(VlmScorer(_endpoint(config)))
    if config.unimatch is not None:
        network = open_network(config.unimatch, unimatch.SIGNATURE, config.onnx_device)
        size = (config.unimatch_height, config.unimatch_width)
        scorers.append(unimatch.UniMatchScorer(network, config.unimatch_pairs, size))
    if config.dover is not None:
        scorers.append(dover.DoverScorer(open_network(config.dover, dover.SIGNATURE, config.onnx_device)))
    return tuple(scorers)


def _endpoint(config: ModelScorers) -> VlmEndpoint:
    return VlmEndpoint(
        base_url=config.vlm_endpoint,
        model=config.vlm_model,
        frames=config.vlm_frames,
        timeout_s=config.vlm_timeout_s,
        attempts=config.vlm_attempts,
        api_key=read_api_key(config.vlm_api_key_file),
        cache=Path(config.vlm_cache) if config.vlm_cache else None,
    )
