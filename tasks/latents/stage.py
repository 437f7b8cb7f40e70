"""The ``latents`` stage: encode every accepted clip, standardize by statistics of the corpus, shard, index, verify."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from data_contracts.caption import CaptionRow
from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, InputError, OperationError
from data_contracts.latents import LatentRow
from data_contracts.report import StageSummary
from infra.stage import ClipJob, ClipResult, StageContext, map_clips
from model.codecs.dct import DctCodec
from model.codecs.hashed_text import HashedTextEncoder
from model.codecs.protocols import TextEncoder
from model.codecs.statistics import ChannelStatistics, fit_statistics
from model.data.latent_dataset import LatentDataset
from model.data.latent_writer import write_encoders, write_latents
from model.data.shards import ClipTensors
from tasks.latents.config import CodecName, LatentsConfig, TextEncoderName
from tasks.latents.encode import EncodeItem, encode_clip, read_coefficients
from tasks.vision.poses import read_cameras
from tasks.vision.tables import read_table


def run_latents(context: StageContext[LatentsConfig]) -> StageSummary:
    """Fill the ``latents`` artifact.

    Raises:
        OperationError: an accepted clip lacks its media, cameras or caption.
        InputError: the configuration names an engine that this build lacks.
    """
    _check_engines(context.config)
    rows = sorted(read_table(context.inputs["filter_accepted"] / "accepted.parquet", AcceptedRow), key=_clip_id)
    if not rows:
        return StageSummary(items=0, note="no accepted clips")
    captions = _captions(context.inputs["caption"], rows)
    results = {result.name: result for result in map_clips(context, _jobs(context, rows), encode_clip)}
    codec = DctCodec(_fit(rows, results))
    encoder = HashedTextEncoder(context.config.text_tokens, context.config.text_channels)
    accepted = {row.clip_id: row for row in rows}

    def tensors_of(row: LatentRow) -> ClipTensors:
        cameras = context.inputs[_pose_artifact(accepted[row.clip_id])] / "poses" / f"{row.clip_id}.safetensors"
        return _tensors(row, results[row.clip_id], codec, encoder, cameras)

    output = context.outputs["latents"]
    drafts = [_latent_row(row, captions[row.clip_id], results[row.clip_id]) for row in rows]
    written = write_latents(output, drafts, tensors_of, context.config.clips_per_shard)
    write_encoders(output, codec, encoder)
    return _summary(output, written)


def _check_engines(config: LatentsConfig) -> None:
    if (config.codec, config.text_encoder) != (CodecName.DCT, TextEncoderName.HASHED_TEXT):
        raise InputError(
            ErrorCode.CONFIG_INVALID,
            f"codec {config.codec.value} with text_encoder {config.text_encoder.value}: this build encodes with "
            f"{CodecName.DCT.value} and {TextEncoderName.HASHED_TEXT.value}",
            "use the embedded profile for latents",
        )


def _jobs(context: StageContext[LatentsConfig], rows: Sequence[AcceptedRow]) -> list[ClipJob[EncodeItem]]:
    return [
        ClipJob(
            row.clip_id,
            {"media": row.media_digest, "raw_frames": row.raw_frames},
            EncodeItem(context.inputs[row.origin] / "media" / f"{row.clip_id}.mp4", row.raw_frames),
        )
        for row in rows
    ]


def _captions(directory: Path, rows: Sequence[AcceptedRow]) -> dict[str, str]:
    captions = {row.clip_id: row.caption for row in read_table(directory / "captions.parquet", CaptionRow)}
    missing = [row.clip_id for row in rows if row.clip_id not in captions]
    if missing:
        raise OperationError(
            ErrorCode.INPUT_MISSING,
            f"captions.parquet lacks {len(missing)} accepted clips, the first is {missing[0]}",
            "run the caption stage again (wm run --force caption)",
        )
    return captions


def _fit(rows: Sequence[AcceptedRow], results: Mapping[str, ClipResult]) -> ChannelStatistics:
    """Statistics of the training clips alone (of all clips where none is for training), in clip order."""
    train = [row for row in rows if row.split == "train"] or list(rows)
    return fit_statistics([read_coefficients(results[row.clip_id].directory).moments for row in train])


def _latent_row(row: AcceptedRow, caption: str, result: ClipResult) -> LatentRow:
    shape = read_coefficients(result.directory).values.shape
    return LatentRow(
        clip_id=row.clip_id,
        shard="",
        source=row.source,
        scene_id=row.scene_id,
        source_video_id=row.source_video_id,
        split=row.split,
        licence=row.licence,
        raw_frames=row.raw_frames,
        height=row.height,
        width=row.width,
        fps=row.fps,
        frames=shape[1],
        latent_height=shape[2],
        latent_width=shape[3],
        caption=caption,
        media_digest=row.media_digest,
        pose_digest=row.pose_digest,
        psnr=result.record["psnr"],
        psnr_best=result.record["psnr_best"],
    )


def _tensors(row: LatentRow, result: ClipResult, codec: DctCodec, encoder: TextEncoder, cameras: Path) -> ClipTensors:
    coefficients = read_coefficients(result.directory).values
    clip = read_cameras(cameras, row.raw_frames)
    text = encoder.encode([row.caption])
    return ClipTensors(
        latent=codec.standardize(coefficients[None])[0],
        camera_to_world=torch.from_numpy(clip.camera_to_world),
        intrinsics=torch.from_numpy(clip.intrinsics),
        text=text.states[0],
        text_mask=text.mask[0],
    )


def _pose_artifact(row: AcceptedRow) -> str:
    return "splat" if row.origin == "splat" else "pose"


def _summary(output: Path, rows: Sequence[LatentRow]) -> StageSummary:
    """Read the artifact back as training will, and sum it up."""
    readable = LatentDataset(output)
    readable.clip(0)
    return StageSummary(
        items=len(rows),
        metrics={
            "latents.psnr_mean": sum(row.psnr for row in rows) / len(rows),
            "latents.psnr_best_mean": sum(row.psnr_best for row in rows) / len(rows),
            "latents.shards": float(len({row.shard for row in rows})),
            "latents.train_clips": float(len(readable)),
        },
    )


def _clip_id(row: AcceptedRow) -> str:
    return row.clip_id
