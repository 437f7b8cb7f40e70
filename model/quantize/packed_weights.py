"""A state dict with some matrices packed as NVFP4, in the key layout other deployments use.

``K.weight`` holds the packed codes, ``K.weight_scale`` the block scales, ``K.weight_scale_2`` the tensor scale. What is
not packed keeps its key and its type.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from model.quantize.nvfp4 import Nvfp4Tensor, dequantize_nvfp4, quantize_nvfp4
from model.quantize.selection import matrix_of

_BLOCK_SCALE = "_scale"
_TENSOR_SCALE = "_scale_2"


def pack_weights(weights: Mapping[str, Tensor], chosen: Sequence[str]) -> dict[str, Tensor]:
    """Pack the chosen matrices and leave the others.

    Raises:
        ValueError: a chosen weight is no matrix or is not finite.
    """
    packed = {key: tensor.contiguous() for key, tensor in weights.items() if key not in set(chosen)}
    for key in chosen:
        tensor = quantize_nvfp4(matrix_of(weights[key]))
        packed[key] = tensor.packed.contiguous()
        packed[key + _BLOCK_SCALE] = tensor.block_scale.contiguous()
        packed[key + _TENSOR_SCALE] = tensor.tensor_scale.reshape(()).contiguous()
    return packed


def unpack_weights(packed: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Decode to the float32 weights that the packed ones stand for; ``shapes`` are those of the unpacked model.

    Raises:
        ValueError: a packed matrix does not fit its shape.
    """
    weights: dict[str, Tensor] = {}
    for key, tensor in packed.items():
        owner = key.removesuffix(_TENSOR_SCALE).removesuffix(_BLOCK_SCALE)
        if owner != key and owner in packed:
            continue
        if key + _BLOCK_SCALE not in packed:
            weights[key] = tensor
            continue
        rows, columns = tensor.shape[0], tensor.shape[1] * 2
        if (rows, columns) != (shapes[key][0], _width(shapes[key])):
            raise ValueError(f"{key} unpacks to {rows}x{columns}, the model wants {shapes[key]}")
        matrix = Nvfp4Tensor(tensor, packed[key + _BLOCK_SCALE], packed[key + _TENSOR_SCALE], columns)
        weights[key] = dequantize_nvfp4(matrix).reshape(shapes[key])
    return weights


def _width(shape: tuple[int, ...]) -> int:
    width = 1
    for size in shape[1:]:
        width *= size
    return width
