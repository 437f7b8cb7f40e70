"""The released base of the refiner."""

from torch import nn

from data_contracts.errors import ErrorCode, OperationError


def released_base(repository: str, revision: str) -> nn.Module:
    """The transformer of a hub repository at a pinned revision.

    Raises:
        OperationError: it cannot be fetched or read.
    """
    from diffusers import LTX2VideoTransformer3DModel

    try:
        return LTX2VideoTransformer3DModel.from_pretrained(repository, revision=revision, subfolder="transformer")
    except OSError as error:
        raise OperationError(
            ErrorCode.WEIGHTS_INVALID,
            f"base.repository {repository} at revision {revision} cannot be read: {error}",
            "check the network and the access to the weights, or name a local copy",
        ) from error
