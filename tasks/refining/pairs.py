"""The pairs a refiner learns from: the student's own clips, and degraded real ones."""

from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.checkpoint import CheckpointInfo
from infra.torchrun.messages import RankJob
from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.checkpoints import load_checkpoint
from model.codecs.protocols import LatentCodec
from model.codecs.store import load_codec
from model.data.corpus_view import Subset
from model.data.latent_dataset import LatentBatch, LatentDataset
from model.flow.guidance import Conditions
from model.flow.samplers import sample_streaming
from model.flow.schedule import explicit_sigmas
from model.refiner.degrade import degraded
from model.refiner.training import RefinerPair
from model.refiner.transformer import RefinerText
from model.training.example import example_of
from model.training.from_recipe import open_corpus
from model.training.generators import named_generator
from model.training.ranks import Ranks
from tasks.refining.config import RefinerLoraConfig


@dataclass(frozen=True)
class Pairs:
    """This rank's pairs: to train on, and held out (number of the clip -> pair); and the ids of all held-out clips."""

    training: list[RefinerPair]
    held_out: dict[int, RefinerPair]
    clip_ids: list[str]


@dataclass(frozen=True)
class PairMaker:
    """Makes pairs of a corpus's clips.

    Attributes:
        student: the distilled model whose clips are to be refined.
        info: its checkpoint record: chunk size and noise levels.
        codec: of the latents.
        config: cut, downsampling and seed.
    """

    student: SanaWM
    info: CheckpointInfo
    codec: LatentCodec
    config: RefinerLoraConfig

    def pair(self, dataset: LatentDataset, index: int, synthetic: bool) -> RefinerPair:
        """One clip, with the student's rollout from its conditions or with its degraded self."""
        batch = dataset.collate([index])
        target = batch.latents[:, :, : self.config.latent_frames or None]
        factor = self.config.pairs.downsampling
        coarse = self._rollout(batch, target) if synthetic else degraded(target, self.codec, factor)
        return RefinerPair(coarse, target, RefinerText(batch.text_states, batch.text_mask.float()))

    @torch.no_grad()
    def _rollout(self, batch: LatentBatch, target: torch.Tensor) -> torch.Tensor:
        """What the student makes of the clip's first frame, caption and camera, sampled as when served."""
        example = example_of(batch, with_camera=True)
        noise = torch.randn(target.shape, generator=named_generator(self.config.seed, "pair", *batch.clip_ids))
        frames = target.shape[2]
        given = Conditions(example.text, example.camera and example.camera.frames(0, frames))
        layout = ChunkLayout.streaming(frames, self.info.chunk_frames)
        sigmas = explicit_sigmas(self.info.sigmas)
        return sample_streaming(self.student, noise, target[:, :, :1], given, sigmas, layout)


def make_pairs(job: RankJob, config: RefinerLoraConfig, ranks: Ranks) -> Pairs:
    """Both kinds in turn, on both sides of the split, clips dealt round the ranks.

    Raises:
        InputError: the student is not a checkpoint.
    """
    latents = Path(job.inputs["latents"])
    student, info = load_checkpoint(Path(job.inputs[config.student]))
    maker = PairMaker(student, info, load_codec(latents), config)
    train = open_corpus(latents, config.corpus, Subset.TRAIN)
    held_out = open_corpus(latents, config.corpus, Subset.HELD_OUT)
    own = range(ranks.data_rank, config.pairs.clips, ranks.data_size)
    fixed = range(min(config.held_out.clips, len(held_out)))
    return Pairs(
        # The kind changes with every round over the ranks, so that each rank sees both.
        [maker.pair(train, number % len(train), _synthetic(number, ranks)) for number in own],
        {number: maker.pair(held_out, number, number % 2 == 0) for number in fixed[ranks.data_rank :: ranks.data_size]},
        [held_out.rows[number].clip_id for number in fixed],
    )


def _synthetic(number: int, ranks: Ranks) -> bool:
    return number // ranks.data_size % 2 == 0
