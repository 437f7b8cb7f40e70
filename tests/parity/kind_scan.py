"""Kind ``scan``: the gated delta rule, its states and its gate masking."""

import torch
from einops import rearrange
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.affine import backward_states, forward_states
from kernels.backend import Backend
from kernels.camera_gdn import CameraGDNInputs, camera_gdn
from kernels.frame_gdn import FrameGDNInputs, frame_gdn
from kernels.frame_gdn.reference import affine_steps
from kernels.key_prep import prepare_features
from kernels.ray_rope import rotate
from model.causal import ChunkLayout
from model.config import Numerics

INPUTS = frozenset({"qkv", "beta", "decay", "q_norm_weight", "k_norm_weight", "rope_re", "rope_im"})


def run(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    config, given = file.config, file.inputs
    frames, space, head_dim = config["T"], config["S"], config["D"]
    inputs = _prepare(file, backend)
    starts = config.get("chunk_starts") or [start for start in config["chunk_index"] if start < frames]
    layout = ChunkLayout(frames, tuple(starts))
    resets = [frame in layout.interior_starts for frame in range(frames)]
    none = [False] * frames
    matrix, normalizer = affine_steps(inputs)
    forward = _read(inputs, forward_states(matrix, None), forward_states(normalizer, None))
    backward = _read(inputs, backward_states(matrix, none, None), backward_states(normalizer, none, None))
    eps = config["eps"]
    both, state = frame_gdn(inputs, none, eps, backend=backend)
    chunked, _ = frame_gdn(inputs, resets, eps, backend=backend)
    camera, _ = camera_gdn(
        CameraGDNInputs(inputs.rotated_query, inputs.rotated_key, inputs.value, inputs.update_gate, inputs.decay),
        none,
        backend=backend,
    )
    open_gate = torch.tensor([0.0 if reset else 1.0 for reset in resets])
    table = (given["rope_re"].reshape(-1, head_dim // 2), given["rope_im"].reshape(-1, head_dim // 2))
    tensors = {
        "q": inputs.query.mT,
        "k": inputs.key.mT,
        "q_rot": inputs.rotated_query.mT,
        "k_rot": inputs.rotated_key.mT,
        "v": inputs.value.mT,
        "num_fwd": forward[0].mT,
        "den_fwd": forward[1].mT,
        "num_bwd": backward[0].mT,
        "den_bwd": backward[1].mT,
        "state_kv_final": state.matrix,
        "state_z_final": state.normalizer.mT,
        "out_uni": _tokens(forward[0] / (forward[1] + eps)),
        "out_bidi": _tokens(both),
        "out_chunk_causal": _tokens(chunked),
        "out_cam_single_path_bidi": rearrange(camera, "b h t s d -> b h d (t s)"),
        "beta_bwd_masked": given["beta"] * open_gate[:, None],
        "decay_bwd_masked": given["decay"] * open_gate,
        "rope_cos": table[0].repeat_interleave(2, dim=-1),
        # The authors' kernels add sine times the swapped pair, so the even channel's sine is negative.
        "rope_sin": torch.stack((-table[1], table[1]), dim=-1).flatten(-2),
    }
    scale = (head_dim * space) ** -0.5
    exact = {"k_scale": (round(scale, 9), round(config["k_scale"], 9))} if "k_scale" in config else {}
    return Outcome(tensors, INPUTS, exact)


def _prepare(file: VectorFile, backend: Backend) -> FrameGDNInputs:
    config, given = file.config, file.inputs
    frames, space, head_dim, heads = config["T"], config["S"], config["D"], config["H"]
    raw = rearrange(given["qkv"], "b (t s) three h d -> three b t s (h d)", t=frames)
    eps = config.get("norm_eps", 1e-5)
    query = prepare_features(raw[0], given["q_norm_weight"], heads, eps, backend=backend)
    scale = config.get("k_scale", (head_dim * space) ** -0.5)
    key = prepare_features(raw[1], given["k_norm_weight"], heads, eps, scale, backend=backend)
    shape = (frames, space, head_dim // 2)
    cosine, sine = given["rope_re"].reshape(shape), given["rope_im"].reshape(shape)
    return FrameGDNInputs(
        query=query,
        key=key,
        rotated_query=rotate(query, cosine, sine, backend),
        rotated_key=rotate(key, cosine, sine, backend),
        value=rearrange(raw[2], "b t s (h d) -> b h t s d", h=heads),
        update_gate=given["beta"],
        decay=given["decay"],
    )


def _read(inputs: FrameGDNInputs, matrix: Tensor, normalizer: Tensor) -> tuple[Tensor, Tensor]:
    return inputs.rotated_query @ matrix.mT, inputs.query @ normalizer.mT


def _tokens(output: Tensor) -> Tensor:
    return rearrange(output, "b h t s d -> b (t s) h d")
