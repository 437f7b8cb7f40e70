"""Gated feed-forward with a spatial depthwise and a temporal convolution."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from model.causal.view import FrameView
from model.parallel.halo import with_neighbours


class ConvLayer(nn.Module):
    """A convolution under the name ``conv``, as the released checkpoints have it."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, groups: int, *, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, groups=groups, bias=bias)


class FeedForward(nn.Module):
    """Per frame: 1x1, SiLU, depthwise 3x3, gate, 1x1; then ``u + temporal_conv(u)`` over three frames.

    The temporal convolution sees one frame of the previous chunk on the left, and zeros beyond a chunk's right end.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.inverted_conv = ConvLayer(channels, 2 * inner, 1, 1, bias=True)
        self.depth_conv = ConvLayer(2 * inner, 2 * inner, 3, 2 * inner, bias=True)
        self.point_conv = ConvLayer(inner, channels, 1, 1, bias=False)
        self.t_conv = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False)

    def forward(
        self,
        tokens: Float[Tensor, "batch frames space channels"],
        view: FrameView,
        tail: Float[Tensor, "batch one space channels"] | None,
    ) -> tuple[Float[Tensor, "batch frames space channels"], Float[Tensor, "batch one space channels"]]:
        """Returns the output and the last frame before the temporal convolution, for the next chunk of a rollout."""
        hidden = self._mix_space(tokens, view)
        extended = with_neighbours(hidden, 1, 1, tail, view.shard)
        previous, following = extended[:, : view.frames], extended[:, 2:]
        ids = view.chunk_ids(1)
        # Beyond the end (-1) lie zeros: a single chunk needs no mask, and a rollout copies none from the host.
        visible = [ids[frame + 1] in (ids[frame], -1) for frame in range(view.frames)]
        if not all(visible):
            following = following * following.new_tensor(visible)[:, None, None]
        left, center, right = self.t_conv.weight[..., 0].unbind(-1)
        linear = nn.functional.linear
        mixed = linear(previous, left) + linear(hidden, center) + linear(following, right)
        return hidden + mixed, hidden[:, -1:]

    def _mix_space(self, tokens: Tensor, view: FrameView) -> Tensor:
        inverted, depth, point = self.inverted_conv.conv, self.depth_conv.conv, self.point_conv.conv
        wide = nn.functional.silu(nn.functional.linear(tokens, inverted.weight.flatten(1), inverted.bias))
        images = rearrange(wide, "b t (h w) c -> (b t) c h w", h=view.height)
        content, gate = depth(images).chunk(2, dim=1)
        gated = rearrange(content * nn.functional.silu(gate), "(b t) c h w -> b t (h w) c", t=view.frames)
        return nn.functional.linear(gated, point.weight.flatten(1))
