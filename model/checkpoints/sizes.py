"""The sizes of a network, read from the shapes of its tensors.

Several tensors tell each size and the majority decides, so that one tensor of a wrong shape, or one that is not there,
is found to be the odd one out and does not make all others look wrong.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from model.config import BackboneConfig

SHORT_CONV = re.compile(r"blocks\.(\d+)\.attn\.conv_k(?:_cam)?\.weight")
DEFAULT_TEXT_TOKENS = 300
NAMES_OF_A_BLOCK = 3
Shapes = Mapping[str, tuple[int, ...]]


def config_from_shapes(shapes: Shapes) -> BackboneConfig:
    """The architecture that names (ours, without prefix) and shapes imply.

    Raises:
        KeyError: no tensor tells a size; the message names those that would.
        ValueError: the sizes contradict each other.
    """
    scanning = {int(match.group(1)) for name in shapes if (match := SHORT_CONV.fullmatch(name))}
    depth = _depth(shapes)
    hidden = _size(shapes, r"blocks\.\d+\.(scale_shift_table|attn\.qkv\.weight|attn\.proj\.weight)", 1)
    inner = _size(shapes, r"blocks\.\d+\.mlp\.point_conv\.conv\.weight", 1)
    return BackboneConfig(
        latent_channels=_latent_channels(shapes),
        hidden=hidden,
        heads=_size(shapes, r"blocks\.\d+\.attn\.(A_log|dt_bias|(beta|gate)_proj\.bias)", 0),
        depth=depth,
        softmax_blocks=tuple(index for index in range(depth) if index not in scanning),
        mixer="frame_gdn",
        camera_branch=any(".attn.q_proj_cam." in name for name in shapes),
        mlp_ratio=inner / hidden,
        caption_channels=_size(shapes, r"y_embedder\.(y_proj\.fc1\.weight|y_embedding)", 1),
        text_tokens=shapes.get("y_embedder.y_embedding", (DEFAULT_TEXT_TOKENS,))[0],
    )


def _depth(shapes: Shapes) -> int:
    """Blocks from 0 without a gap; a stray name or two do not make a block."""
    names = Counter(int(match.group(1)) for name in shapes if (match := re.match(r"blocks\.(\d+)\.", name)))
    depth = next(index for index in range(len(names) + 1) if names[index] < NAMES_OF_A_BLOCK)
    if depth == 0:
        raise KeyError("no tensors of blocks.0")
    return depth


def _latent_channels(shapes: Shapes) -> int:
    tellers = {"x_embedder.proj.weight": 1, "final_layer.linear.weight": 0, "final_layer.linear.bias": 0}
    told = (shapes[name][axis] for name, axis in tellers.items() if len(shapes.get(name, ())) > axis)
    return _majority(told, " or ".join(tellers))


def _size(shapes: Shapes, pattern: str, axis: int) -> int:
    told = (shape[axis] for name, shape in shapes.items() if re.fullmatch(pattern, name) and len(shape) > axis)
    return _majority(told, pattern.replace("\\d+", "N").replace("\\", ""))


def _majority(sizes: Iterable[int], tellers: str) -> int:
    votes = Counter(sizes).most_common(1)
    if not votes:
        raise KeyError(f"no tensor named {tellers}")
    return votes[0][0]
