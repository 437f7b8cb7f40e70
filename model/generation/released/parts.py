"""The parts of a released checkpoint, and which of the given directories holds each (``model_spec.md`` section 8).

No released repository is whole: the chunk-causal one takes VAE and refiner from the bidirectional one, and the text
encoder of stage 1 has a repository of its own. So parts are looked for in the checkpoint first and then in every other
directory, in the order given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from data_contracts.errors import ErrorCode, InputError
from data_contracts.weights import WeightsLayout
from model.checkpoints.locate import WeightsFiles, locate

RELEASED = (WeightsLayout.BIDIRECTIONAL, WeightsLayout.CHUNK_CAUSAL, WeightsLayout.STREAMING, WeightsLayout.DIFFUSERS)


class Part(StrEnum):
    """What a pipeline needs beside the backbone."""

    VAE = "VAE"
    CAUSAL_VAE = "causal VAE"
    TEXT_ENCODER = "text encoder (Gemma-2)"
    INSTRUCTION = "instruction before prompts"
    REFINER = "refiner"
    CONNECTORS = "text connectors of the refiner"
    CAPTIONS = "text encoder of the refiner (Gemma-3)"


REFINER_PARTS = (Part.REFINER, Part.CONNECTORS, Part.CAPTIONS)
PLACES: Mapping[Part, tuple[str, ...]] = {
    Part.VAE: ("vae/config.json",),
    Part.CAUSAL_VAE: ("ltx2_causal_vae/config.json",),
    Part.TEXT_ENCODER: ("gemma-2-2b-it/config.json", "text_encoder/config.json"),
    Part.INSTRUCTION: ("config.yaml",),
    Part.REFINER: ("refiner/transformer/config.json", "refiner_diffusers/transformer/config.json"),
    Part.CONNECTORS: ("refiner/connectors/config.json", "refiner_diffusers/connectors/config.json"),
    Part.CAPTIONS: ("refiner/text_encoder/config.json", "gemma3_12b/config.json"),
}
"""Paths below a directory that tell a part is there."""
GEMMA2 = "gemma2"


@dataclass(frozen=True)
class ReleasedParts:
    """A checkpoint and where its other parts are.

    Attributes:
        backbone: its weights.
        found: each part that was found: its directory, or for the instruction its file.
        searched: directories, in order.
    """

    backbone: WeightsFiles
    found: Mapping[Part, Path]
    searched: tuple[Path, ...]

    def need(self, part: Part) -> Path:
        """Where a part is.

        Raises:
            InputError: it was not found; the message says where it was looked for.
        """
        if part in self.found:
            return self.found[part]
        looked = ", ".join(str(Path(place).parent if "/" in place else place) for place in PLACES[part])
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"the {part.value} ({looked}) is in none of {', '.join(str(one) for one in self.searched)}",
            "name the directory of the repository that holds it with --parts",
        )

    @property
    def refinable(self) -> bool:
        """Whether stage 2 is whole."""
        return all(part in self.found for part in REFINER_PARTS)


def find_parts(checkpoint: Path, others: Sequence[Path] = ()) -> ReleasedParts:
    """Look for the backbone in ``checkpoint`` and for its parts there and in ``others``.

    Args:
        checkpoint: directory of a released repository.
        others: directories of more repositories; that of the stage-1 text encoder itself is known by its model type.

    Raises:
        InputError: a directory is missing, or ``checkpoint`` holds no released backbone.
    """
    searched = (checkpoint, *others)
    for directory in searched:
        if not directory.is_dir():
            raise InputError(
                ErrorCode.WEIGHTS_INVALID, f"{directory} is not a directory", "pass the directory of a repository"
            )
    files = locate(checkpoint)
    if files.layout not in RELEASED:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{checkpoint} has the layout {files.layout.value}, not a released one",
            "pass our own bundles with --bundle",
        )
    found: dict[Part, Path] = {}
    for directory in searched:
        found = _held(directory) | found
    return ReleasedParts(files, found, searched)


def _held(directory: Path) -> dict[Part, Path]:
    held: dict[Part, Path] = {}
    if _model_type(directory / "config.json") == GEMMA2:
        held[Part.TEXT_ENCODER] = directory
    for part, places in PLACES.items():
        place = next((directory / place for place in places if (directory / place).is_file()), None)
        if place is not None:
            held[part] = place if part is Part.INSTRUCTION else place.parent
    return held


class _Described(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    model_type: str = ""


def _model_type(config: Path) -> str:
    try:
        return _Described.model_validate_json(config.read_bytes()).model_type
    except (OSError, ValidationError):
        return ""  # not the description of a text model: whatever it is, it is not this part
