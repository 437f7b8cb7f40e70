"""Gated feed-forward with a spatial depthwise and a temporal convolution."""

from jaxtyping import Float
from torch import Tensor, nn

from kernels.glu_conv import glu_conv
from model.causal.view import FrameView
from model.parallel.halo import with_neighbours


class ConvLayer(nn.Module):
    """A convolution under the name ``conv``, as the released checkpoints have it."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, groups: int, *, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, groups=groups, bias=bias)

    def forward(self, tokens: Float[Tensor, "*rows channels"]) -> Float[Tensor, "*rows out"]:
        """A 1x1 convolution of tokens, as the linear map it is."""
        return nn.functional.linear(tokens, self.conv.weight.flatten(1), self.conv.bias)


class TemporalConv(nn.Conv2d):
    """A convolution over three frames, as three linear maps of shifted frames.

    Args:
        channels: in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, (3, 1), padding=(1, 0), bias=False)

    def forward(
        self, extended: Float[Tensor, "batch extended space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """Mix.

        Args:
            extended: the frames with one neighbour on each side (zeros where there is none).
            seen: 1 where a frame sees the one after it, else 0; None where all do.
        """
        frames = extended.shape[1] - 2
        previous, here, following = (extended[:, shift : shift + frames] for shift in range(3))
        if seen is not None:
            following = following * seen[:, None, None]
        left, center, right = self.weight[..., 0].unbind(-1)
        linear = nn.functional.linear
        return linear(previous, left) + linear(here, center) + linear(following, right)

    def alone(
        self, frames: Float[Tensor, "batch frames space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """The same of a whole sequence, whose neighbours are zeros that are never written down."""
        left, center, right = self.weight[..., 0].unbind(-1)
        linear = nn.functional.linear
        return linear(frames, center) + around(linear(frames[:, :-1], left), linear(frames[:, 1:], right), seen)


def around(
    from_left: Float[Tensor, "batch fewer space channels"],
    from_right: Float[Tensor, "batch fewer space channels"],
    seen: Float[Tensor, " frames"] | None,
) -> Float[Tensor, "batch frames space channels"]:
    """What every frame gets from the one before it, and from the one after it where it sees that one."""
    if seen is not None:
        from_right = from_right * seen[:-1, None, None]
    pad = nn.functional.pad
    return pad(from_left, (0, 0, 0, 0, 1, 0)) + pad(from_right, (0, 0, 0, 0, 0, 1))


class FeedForward(nn.Module):
    """Per frame: 1x1, SiLU, depthwise 3x3, gate, 1x1; then ``u + temporal_conv(u)`` over three frames.

    The temporal convolution sees one frame of the previous chunk on the left, and zeros beyond a chunk's right end.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.inverted_conv = ConvLayer(channels, 2 * inner, 1, 1, bias=True)
        self.depth_conv = ConvLayer(2 * inner, 2 * inner, 3, 2 * inner, bias=True)
        self.point_conv = ConvLayer(inner, channels, 1, 1, bias=False)
        self.t_conv = TemporalConv(channels)

    def forward(
        self,
        tokens: Float[Tensor, "batch frames space channels"],
        view: FrameView,
        tail: Float[Tensor, "batch one space channels"] | None,
    ) -> tuple[Float[Tensor, "batch frames space channels"], Float[Tensor, "batch one space channels"]]:
        """Returns the output and the last frame before the temporal convolution, for the next chunk of a rollout."""
        hidden = self._mix_space(tokens, view)
        ids = view.chunk_ids(1)
        # Beyond the end (-1) lie zeros: a single chunk needs no mask, and a rollout copies none from the host.
        visible = [ids[frame + 1] in (ids[frame], -1) for frame in range(view.frames)]
        seen = None if all(visible) else hidden.new_tensor(visible)
        if tail is None and view.shard is None and view.frames > 1:
            return hidden + self.t_conv.alone(hidden, seen), hidden[:, -1:]
        extended = with_neighbours(hidden, 1, 1, tail, view.shard)
        return hidden + self.t_conv(extended, seen), hidden[:, -1:]

    def _mix_space(self, tokens: Tensor, view: FrameView) -> Tensor:
        depth = self.depth_conv.conv
        return self.point_conv(glu_conv(self.inverted_conv(tokens), depth.weight, depth.bias, view.height))
