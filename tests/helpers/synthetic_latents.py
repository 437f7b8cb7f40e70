"""A small latents artifact of drifting gratings under a sideways camera, through the real codec and text encoder."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from data_contracts.latents import LatentRow
from model.codecs.dct import DctCodec
from model.codecs.fidelity import psnr
from model.codecs.hashed_text import HashedTextEncoder
from model.codecs.statistics import fit_statistics, moments
from model.data.latent_writer import write_encoders, write_latents
from model.data.shards import ClipTensors


def grating_video(seed: int, raw_frames: int, height: int, width: int) -> torch.Tensor:
    """RGB video 1 3 F H W in [-1, 1]: two sine gratings that drift, other ones for every seed."""
    generator = np.random.default_rng(seed)
    time = np.arange(raw_frames)[:, None, None]
    row, column = np.mgrid[0:height, 0:width][:, None]
    planes = []
    for _ in range(3):
        fy, fx, speed, phase = generator.uniform([-0.1, -0.1, 0.05, 0], [0.1, 0.1, 0.3, 6.28])
        planes.append(0.6 * np.sin(fy * row + fx * column + speed * time + phase) + generator.uniform(-0.3, 0.3))
    return torch.from_numpy(np.stack(planes)[None]).float().clamp(-1, 1)


def sideways_path(raw_frames: int, metres: float) -> torch.Tensor:
    """Camera-to-world F 4 4, float64, along x."""
    path = torch.eye(4, dtype=torch.float64).repeat(raw_frames, 1, 1)
    path[:, 0, 3] = torch.linspace(0, metres, raw_frames, dtype=torch.float64)
    return path


def write_synthetic_latents(
    directory: Path,
    clips: int = 6,
    raw_frames: int = 17,
    height: int = 64,
    width: int = 96,
    tokens: int = 32,
    channels: int = 64,
) -> list[LatentRow]:
    """Fill ``directory`` with a valid ``latents`` artifact; every third scene is ``val``, scenes hold two clips."""
    directory.mkdir(parents=True, exist_ok=True)
    raw = DctCodec.unfitted()
    videos = [grating_video(seed, raw_frames, height, width) for seed in range(clips)]
    codec = DctCodec(fit_statistics([moments(raw.coefficients(video)[0]) for video in videos]))
    encoder = HashedTextEncoder(tokens, channels)
    rows, tensors = [], {}
    for index, video in enumerate(videos):
        caption = f"a wall with stripes of kind {index}"
        text = encoder.encode([caption])
        latent = codec.encode(video)
        clip_id = hashlib.sha256(video.numpy().tobytes()).hexdigest()[:32]
        tensors[clip_id] = ClipTensors(
            latent=latent[0],
            camera_to_world=sideways_path(raw_frames, 0.1 * (index + 1)),
            intrinsics=torch.tensor([[width * 0.8, width * 0.8, (width - 1) / 2, (height - 1) / 2]])
            .double()
            .repeat(raw_frames, 1),
            text=text.states[0],
            text_mask=text.mask[0],
        )
        quality = psnr(video, codec.decode(latent))
        rows.append(
            LatentRow(
                clip_id=clip_id,
                shard="",
                source="gratings",
                scene_id=f"scene-{index // 2}",
                source_video_id=f"video-{index}",
                split="val" if index // 2 % 3 == 2 else "train",
                licence="CC0-1.0",
                raw_frames=raw_frames,
                height=height,
                width=width,
                fps=16,
                frames=latent.shape[2],
                latent_height=latent.shape[3],
                latent_width=latent.shape[4],
                caption=caption,
                media_digest=clip_id,
                pose_digest=clip_id,
                psnr=quality,
                psnr_best=quality,
            )
        )
    write_encoders(directory, codec, encoder)
    return write_latents(directory, rows, lambda row: tensors[row.clip_id], clips_per_shard=4)
