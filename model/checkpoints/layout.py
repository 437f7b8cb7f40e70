"""The key map: which keys of a file are used and under which name, which are known and unused, which are neither.

Our parameters bear the released names, so a dialect is only what differs from them: an optional prefix, a few renamed
modules, and the keys that are carried without being read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from data_contracts.weights import WeightsLayout
from model.checkpoints.unused import BUFFERS, PARAMETERS, UnusedTensor

PREFIX = "model."


@dataclass(frozen=True)
class Dialect:
    """The names of one family of layouts.

    Attributes:
        unused: keys it carries and no forward pass reads.
        renamed: our module path -> theirs.
        prefix: that names may bear; "" where none is allowed.
        writes_prefix: whether names are written with it.
    """

    unused: tuple[UnusedTensor, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    writes_prefix: bool = False

    def ours(self, name: str) -> str:
        """Our name of a key of a file."""
        key = name.removeprefix(self.prefix)
        return _renamed(key, {theirs: ours for ours, theirs in self.renamed.items()})

    def theirs(self, key: str) -> str:
        """The name to write one of our keys under."""
        return (self.prefix if self.writes_prefix else "") + _renamed(key, self.renamed)

    def reason_unused(self, key: str, softmax_blocks: tuple[int, ...]) -> str | None:
        """Why a key (by our name) is not read; None if it should be."""
        return next((one.reason for one in self.unused if one.matches(key, softmax_blocks)), None)


OURS = Dialect(unused=())
RELEASED = Dialect(unused=BUFFERS + PARAMETERS, prefix=PREFIX)
STUDENT = Dialect(unused=BUFFERS + PARAMETERS, prefix=PREFIX, writes_prefix=True)
DIFFUSERS = Dialect(
    unused=PARAMETERS,
    renamed={"t_embedder.mlp.0.": "t_embedder.linear_1.", "t_embedder.mlp.2.": "t_embedder.linear_2."},
)
DIALECTS: Mapping[WeightsLayout, Dialect] = {
    WeightsLayout.OURS: OURS,
    WeightsLayout.BIDIRECTIONAL: RELEASED,
    WeightsLayout.CHUNK_CAUSAL: RELEASED,
    WeightsLayout.STREAMING: STUDENT,
    WeightsLayout.DIFFUSERS: DIFFUSERS,
}


@dataclass(frozen=True)
class KeyMap:
    """Names in a file, sorted out.

    Attributes:
        used: parameter name -> name in the file.
        dead: names the network is known not to read -> why.
        unknown: all other names.
        missing: parameters the file does not have.
    """

    used: dict[str, str]
    dead: dict[str, str]
    unknown: list[str]
    missing: list[str]


def map_keys(
    names: Iterable[str], parameters: Iterable[str], softmax_blocks: tuple[int, ...], dialect: Dialect = RELEASED
) -> KeyMap:
    """Match the names in a file against the parameters of a network."""
    wanted = set(parameters)
    used: dict[str, str] = {}
    dead: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        key = dialect.ours(name)
        reason = dialect.reason_unused(key, softmax_blocks)
        if key in wanted and key not in used:
            used[key] = name
        elif reason is not None and key not in wanted:
            dead[name] = reason
        else:
            unknown.append(name)
    return KeyMap(used, dict(sorted(dead.items())), sorted(unknown), sorted(wanted - used.keys()))


def is_dead(key: str, softmax_blocks: tuple[int, ...]) -> bool:
    """Whether a released key is never read: unused buffers, and the scan gates of softmax blocks."""
    return RELEASED.reason_unused(key, softmax_blocks) is not None


def _renamed(key: str, renames: Mapping[str, str]) -> str:
    for before, after in renames.items():
        if key.startswith(before):
            return after + key.removeprefix(before)
    return key
