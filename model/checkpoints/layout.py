"""The released key layout: which keys are used, which are known and dead, and which sizes they imply.

Our parameters bear the released names, so a key map is only what is wrapped around them (a ``model.`` prefix) and the
keys that the released network carries without reading.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.config import BackboneConfig

PREFIX = "model."
DEAD_KEYS = (
    r"pos_embed",
    r"y_embedder\.y_embedding",
    r"raymap_embedder\.proj\.(weight|bias)",
    r"blocks\.\d+\.attn\.recall_gate",
)
SCAN_GATES = r"blocks\.(\d+)\.attn\.((beta_proj|gate_proj)\.(weight|bias)|A_log|dt_bias)"
SHORT_CONV = re.compile(r"blocks\.(\d+)\.attn\.conv_k\.weight")


@dataclass(frozen=True)
class KeyMap:
    """Names in a file, sorted out.

    Attributes:
        used: parameter name -> name in the file.
        dead: names the network is known not to read.
        unknown: all other names.
        missing: parameters the file does not have.
    """

    used: dict[str, str]
    dead: list[str]
    unknown: list[str]
    missing: list[str]


def map_keys(names: Iterable[str], parameters: Iterable[str], softmax_blocks: tuple[int, ...]) -> KeyMap:
    """Match the names in a file against the parameters of a network."""
    wanted = set(parameters)
    used: dict[str, str] = {}
    dead: list[str] = []
    unknown: list[str] = []
    for name in names:
        key = name.removeprefix(PREFIX)
        if key in wanted and key not in used:
            used[key] = name
        elif is_dead(key, softmax_blocks):
            dead.append(name)
        else:
            unknown.append(name)
    return KeyMap(used, sorted(dead), sorted(unknown), sorted(wanted - used.keys()))


def is_dead(key: str, softmax_blocks: tuple[int, ...]) -> bool:
    """Whether a released key is never read: unused buffers, and the scan gates of softmax blocks."""
    if any(re.fullmatch(pattern, key) for pattern in DEAD_KEYS):
        return True
    gate = re.fullmatch(SCAN_GATES, key)
    return gate is not None and int(gate.group(1)) in softmax_blocks


def config_from_shapes(shapes: Mapping[str, tuple[int, ...]]) -> BackboneConfig:
    """The architecture that a set of released names and shapes implies.

    Raises:
        KeyError: if a name that fixes a size is not there.
        ValueError: if the sizes contradict each other.
    """
    shape = {name.removeprefix(PREFIX): size for name, size in shapes.items()}
    depth = 1 + max(int(name.split(".")[1]) for name in shape if name.startswith("blocks."))
    scanning = {int(match.group(1)) for name in shape if (match := SHORT_CONV.fullmatch(name))}
    gates = [name for name in shape if name.endswith("attn.A_log")]
    softmax = tuple(index for index in range(depth) if index not in scanning)
    hidden = shape["x_embedder.proj.weight"][0]
    inner = shape["blocks.0.mlp.point_conv.conv.weight"][1]
    if not gates:
        raise ValueError("the number of heads cannot be read from the shapes: no attn.A_log among the keys")
    return BackboneConfig(
        latent_channels=shape["x_embedder.proj.weight"][1],
        hidden=hidden,
        heads=shape[gates[0]][0],
        depth=depth,
        softmax_blocks=softmax,
        mixer="frame_gdn",
        camera_branch="blocks.0.attn.q_proj_cam.weight" in shape,
        mlp_ratio=inner / hidden,
        caption_channels=shape["y_embedder.y_proj.fc1.weight"][1],
        text_tokens=shape.get("y_embedder.y_embedding", (300,))[0],
    )
