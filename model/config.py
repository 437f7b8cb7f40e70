"""Architecture of the backbone, and the numeric behaviour it is run under. Frozen; built once, passed down."""

from dataclasses import dataclass
from typing import Literal

MixerKind = Literal["linear", "frame_gdn"]
ProfileName = Literal["v1", "v2", "diffusers"]


@dataclass(frozen=True)
class BackboneConfig:
    """Sizes of the network. Channels unless said otherwise.

    Attributes:
        latent_channels: of the video latents, in and out.
        hidden: token width.
        heads: attention heads, of self and cross attention.
        depth: number of blocks.
        softmax_blocks: indices of the blocks that mix time by softmax attention (C.1: every fourth).
        mixer: how all other blocks mix time: cumulative linear attention (Eq. 1) or frame-wise GDN (Eq. 3).
        camera_branch: whether every block has the ray-local branch and Pluecker mixing (Sec. 3.3).
        mlp_ratio: width of the gated feed-forward over ``hidden``.
        caption_channels: of the text encoder's states.
        text_tokens: longest caption, in tokens.
        conv_taps: kernel of the key convolution over time.
        plucker_channels: of the packed raymap: eight raw frames of six channels.
        timestep_channels: of the sinusoidal timestep features.
        rope_theta: base of the rotary frequencies.
        max_positions: longest extent of each rotary axis.
        norm_eps: of query, key and caption norms.
        cross_norm_eps: of the cross attention norms.
        layer_norm_eps: of the layer norms without affine.
        gdn_eps: added to the GDN denominator.
    """

    latent_channels: int
    hidden: int
    heads: int
    depth: int
    softmax_blocks: tuple[int, ...]
    mixer: MixerKind
    camera_branch: bool
    mlp_ratio: float
    caption_channels: int
    text_tokens: int
    conv_taps: int = 4
    plucker_channels: int = 48
    timestep_channels: int = 256
    rope_theta: float = 1e4
    max_positions: int = 1024
    norm_eps: float = 1e-5
    cross_norm_eps: float = 1e-6
    layer_norm_eps: float = 1e-6
    gdn_eps: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse sizes that no checkpoint could have.

        Raises:
            ValueError: naming the field, its value and what is allowed.
        """
        if self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden} must be a multiple of heads={self.heads}")
        if self.head_dim % 8:
            raise ValueError(f"head_dim={self.head_dim} must be divisible by 8 (ray groups of 4 in half the channels)")
        if any(not 0 <= index < self.depth for index in self.softmax_blocks):
            raise ValueError(f"softmax_blocks={self.softmax_blocks} must lie in 0..{self.depth - 1}")
        if self.camera_branch and self.mixer == "linear":
            raise ValueError("camera_branch needs mixer='frame_gdn': the branch shares the gates of the main one")

    @property
    def head_dim(self) -> int:
        """Channels of one head."""
        return self.hidden // self.heads

    @property
    def feed_forward(self) -> int:
        """Channels inside the gated feed-forward."""
        return int(self.hidden * self.mlp_ratio)


def paper() -> BackboneConfig:
    """The released backbone: 2.66 B parameters (C.1 and the released checkpoints)."""
    return BackboneConfig(
        latent_channels=128,
        hidden=2240,
        heads=20,
        depth=20,
        softmax_blocks=(3, 7, 11, 15, 19),
        mixer="frame_gdn",
        camera_branch=True,
        mlp_ratio=3,
        caption_channels=2304,
        text_tokens=300,
    )


def tiny() -> BackboneConfig:
    """The same architecture at a size that trains on two CPU cores."""
    return BackboneConfig(
        latent_channels=128,
        hidden=128,
        heads=2,
        depth=4,
        softmax_blocks=(3,),
        mixer="frame_gdn",
        camera_branch=True,
        mlp_ratio=3,
        caption_channels=64,
        text_tokens=32,
    )


UNPADDED_HEADS = (32, 64, 128, 256)
"""Head sizes that the other code bases hand to attention as they are."""


def padded_head(size: int) -> int:
    """Channels of a head after their padding for attention: 112 becomes 128, and so does everything smaller."""
    if size in UNPADDED_HEADS:
        return size
    return next((larger for larger in (128, 256) if size < larger), size)


@dataclass(frozen=True)
class Numerics:
    """Where the code bases that run the released weights disagree (model_spec.md, section 0).

    Attributes:
        name: the profile.
        pads_camera_heads: whether the camera softmax scale is that of the padded head (``padded_head``), an accident
            of handing zero-padded heads to attention with its default scale.
        pads_rollout_heads: the same for the main softmax branch when it runs on a carried cache.
        softmax_honours_chunks: whether softmax blocks are chunk-causal; if not, they see every frame given.
        camera_conv_carries_tail: whether the camera key convolution keeps its left context across rollout chunks.
        clips_ray_rms: whether camera features are scaled back to the rms they had before the ray transform.
        softmax_in_bfloat16: whether softmax operands are rounded to bfloat16 first, as the authors run it.
    """

    name: ProfileName
    pads_camera_heads: bool
    pads_rollout_heads: bool
    softmax_honours_chunks: bool
    camera_conv_carries_tail: bool
    clips_ray_rms: bool
    softmax_in_bfloat16: bool = False


def require_trainable(numerics: Numerics) -> None:
    """Refuse to train under a profile that leaks the future or exists to reproduce a port.

    Raises:
        ValueError: naming the profile and the one to train under.
    """
    if numerics.name != "v2":
        raise ValueError(f"numerics profile {numerics.name!r} is for inference only; train under 'v2'")


def require_layout(numerics: Numerics, chunks: int) -> None:
    """Refuse chunks under the ``diffusers`` profile: that port is bidirectional only.

    Raises:
        ValueError: for more than one chunk.
    """
    if numerics.name == "diffusers" and chunks > 1:
        raise ValueError(f"numerics profile 'diffusers' is bidirectional only; it cannot run {chunks} chunks")


def v1() -> Numerics:
    """The first public release, its leaks included: for inference only."""
    return Numerics("v1", True, True, softmax_honours_chunks=False, camera_conv_carries_tail=False, clips_ray_rms=False)


def v2() -> Numerics:
    """The default for training and new checkpoints: no leak, and streaming equals offline."""
    return Numerics("v2", False, False, softmax_honours_chunks=True, camera_conv_carries_tail=True, clips_ray_rms=False)


def diffusers() -> Numerics:
    """The port in diffusers 0.42.1, bidirectional only."""
    return Numerics(
        "diffusers", True, False, softmax_honours_chunks=True, camera_conv_carries_tail=True, clips_ray_rms=True
    )


def numerics_named(name: str) -> Numerics:
    """The profile called ``name``.

    Raises:
        ValueError: naming the profiles there are.
    """
    profiles = {"v1": v1, "v2": v2, "diffusers": diffusers}
    if name not in profiles:
        raise ValueError(f"numerics profile {name!r} is unknown; known: {', '.join(profiles)}")
    return profiles[name]()
