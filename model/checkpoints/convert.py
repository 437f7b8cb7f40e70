"""From any layout to any other."""

from pathlib import Path

from data_contracts.checkpoint import CheckpointInfo
from data_contracts.errors import ErrorCode, InputError
from data_contracts.weights import ConversionReport, WeightsLayout
from model.checkpoints.export import check_layout_fits, named_for, write_layout
from model.checkpoints.layout import DIALECTS
from model.checkpoints.locate import PLACES, WeightsFiles
from model.checkpoints.open_checkpoint import OpenCheckpoint, open_checkpoint
from model.checkpoints.store import architecture_info


def convert_weights(
    source: WeightsFiles, target: Path, layout: WeightsLayout, numerics: str | None = None
) -> ConversionReport:
    """Write ``source`` as ``layout`` below ``target``; no value changes.

    Args:
        source: what ``locate`` found.
        target: directory, made if it is not there.
        layout: to write.
        numerics: profile to state; None keeps the stated one, or that of the source's layout.

    Raises:
        InputError: the source is broken or does not fit, the target is the source, or the layout cannot hold it.
    """
    file = target / PLACES[layout][0]
    if file.exists() and any(file.samefile(one) for one in source.weights):
        raise InputError(ErrorCode.WEIGHTS_INVALID, f"{file} is what is read", "pass another target directory")
    opened = open_checkpoint(source)
    check_layout_fits(layout, opened.config)
    unused = opened.unused()
    tensors, placeholders = named_for(DIALECTS[layout], opened.config, opened.parameters(), unused)
    info = _info(opened, numerics)
    written = write_layout(target, layout, opened.config, tensors, info)
    carried = sorted(name for name in unused if DIALECTS[layout].theirs(name) in tensors)
    return ConversionReport(
        source=str(source.weights[0]),
        source_layout=source.layout,
        layout=layout,
        numerics=info.numerics,
        parameters=sum(tensor.numel() for tensor in opened.parameters().values()),
        written=written,
        carried_unused=carried,
        placeholders=placeholders,
        dropped=sorted(unused.keys() - set(carried)),
        notes=_notes(opened, layout, placeholders),
    )


def _info(opened: OpenCheckpoint, numerics: str | None) -> CheckpointInfo:
    stated = numerics or opened.numerics
    if opened.info:
        return CheckpointInfo.model_validate({**opened.info.model_dump(), "numerics": stated})
    return CheckpointInfo.model_validate(
        {
            "architecture": architecture_info(opened.config).model_dump(),
            "numerics": stated,
            "chunk_frames": opened.chunk_frames,
            "sigmas": list(opened.sigmas),
        }
    )


def _notes(opened: OpenCheckpoint, layout: WeightsLayout, placeholders: list[str]) -> list[str]:
    notes = []
    causal = layout in {WeightsLayout.CHUNK_CAUSAL, WeightsLayout.STREAMING}
    if layout is not WeightsLayout.OURS and causal != bool(opened.chunk_frames):
        trained = f"chunks of {opened.chunk_frames} frames" if opened.chunk_frames else "all frames together"
        notes.append(f"trained with {trained}; a reader of {layout.value} will run it otherwise")
    if "y_embedder.y_embedding" in placeholders:
        notes.append(
            "the learned null caption is zeros: do not train with caption dropout from it in the authors' code"
        )
    if layout in {WeightsLayout.BIDIRECTIONAL, WeightsLayout.CHUNK_CAUSAL, WeightsLayout.STREAMING}:
        notes.append(f"the layout cannot state the profile {opened.numerics}: say it where the file is used")
    return notes
