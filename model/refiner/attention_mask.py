"""Who may attend to whom: reference tokens are fixed anchors (App. A, "Reference conditioning")."""

import torch
from jaxtyping import Float
from torch import Tensor


def reference_mask(frames: int, tokens_per_frame: int, reference_frames: int) -> Float[Tensor, "queries keys"]:
    """1 where attention is allowed: reference queries see reference keys only, all other queries see everything.

    Frame-major token order. A reference token's features therefore never depend on what is being refined.
    """
    total, reference = frames * tokens_per_frame, reference_frames * tokens_per_frame
    mask = torch.ones(total, total)
    mask[:reference, reference:] = 0
    return mask
