"""A quantized checkpoint: how its bytes are laid out, and what quantization cost."""

from typing import Literal

from data_contracts.base import Record


class PackedFormat(Record):
    """The facts on which deployments of NVFP4 disagree, so that no reader has to guess.

    Attributes:
        nibble_order: which nibble of a byte holds the element of even index.
        scale_layout: block scales in rows and blocks as in the matrix, not swizzled into tiles.
        scale_polarity: scales are multiplied when decoding.
        padded_rows: whether rows were padded to a tile.
    """

    element: Literal["e2m1"] = "e2m1"
    block: int = 16
    block_scale: Literal["e4m3"] = "e4m3"
    tensor_scale: Literal["float32"] = "float32"
    nibble_order: Literal["low_first"] = "low_first"
    scale_layout: Literal["row_major"] = "row_major"
    scale_polarity: Literal["decode"] = "decode"
    padded_rows: bool = False


class LayerError(Record):
    """Relative RMS error of one weight under each format."""

    key: str
    rows: int
    columns: int
    nvfp4: float
    fp8: float


class OutputError(Record):
    """Relative RMS error of the velocity on fixed noise, at one timestep, against the unquantized model."""

    timestep: int
    nvfp4_weights: float
    nvfp4_weights_and_activations: float
    fp8_weights: float


class QuantizationReport(Record):
    """``report.json`` of a quantized checkpoint. ``kept`` are the matrices that stay, with the reason."""

    format: PackedFormat
    emulated: bool
    source_digest: str
    bytes_before: int
    bytes_after: int
    layers: list[LayerError]
    kept: dict[str, str]
    outputs: list[OutputError]
