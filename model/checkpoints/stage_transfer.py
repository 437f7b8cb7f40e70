"""Weights carried from one stage to the next, by named rules and with a report.

A key that both have (with one shape) is carried. Every other key of the child must be claimed by a rule; a key that no
rule claims is an error. What the child has no place for is dropped and reported.
"""

import re
from dataclasses import dataclass

import torch

from data_contracts.checkpoint import TransferReport
from model.backbone import SanaWM
from model.layers.initialization import build_backbone


@dataclass(frozen=True)
class TransferRule:
    """Keys a stage adds, and what they start from.

    Attributes:
        name: shown in the report.
        pattern: of the child's keys it claims.
        reason: one line.
    """

    name: str
    pattern: str
    reason: str


CODEC_CHANGE = TransferRule(
    "codec_change",
    r"x_embedder\.proj\.\w+|final_layer\.linear\.\w+",
    "another latent space: patchify and output start afresh (Sec. 3.1, stage 1)",
)
LINEAR_TO_GDN = TransferRule(
    "linear_to_gdn",
    r"blocks\.\d+\.attn\.((beta_proj|gate_proj|output_gate)\.\w+|A_log|dt_bias|conv_k\.weight)",
    "gates almost write all and forget nothing, the convolution is the identity, the output gate is open",
)
GDN_TO_HYBRID = TransferRule(
    "gdn_to_hybrid",
    r"blocks\.\d+\.attn\.output_gate\.\w+",
    "softmax blocks keep the QKV and output projections (Sec. 3.2) and lose convolution and gates",
)
ADD_CAMERA = TransferRule(
    "add_camera",
    r"blocks\.\d+\.attn\.(([qkv]|out)_proj_cam\.\w+|[qk]_norm_cam\.weight|conv_k_cam\.weight)"
    r"|blocks\.\d+\.plucker_proj\.\w+|plucker_embedder\.proj\.\w+",
    "both camera branches end in zeros and leave the parent as it was (Sec. 3.3); their projections copy the main ones",
)


def rules_between(parent: SanaWM, child: SanaWM) -> list[TransferRule]:
    """The rules that a change of architecture needs, in order."""
    before, after = parent.config, child.config
    rules = []
    if before.latent_channels != after.latent_channels:
        rules.append(CODEC_CHANGE)
    if before.mixer == "linear" and after.mixer == "frame_gdn":
        rules.append(LINEAR_TO_GDN)
    if before.softmax_blocks != after.softmax_blocks:
        rules.append(GDN_TO_HYBRID)
    if after.camera_branch and not before.camera_branch:
        rules.append(ADD_CAMERA)
    return rules


def carry_weights(parent: SanaWM, child: SanaWM, generator: torch.Generator) -> TransferReport:
    """Fill ``child`` from ``parent``; what is new comes from the rules.

    Args:
        parent: left as it is.
        child: every parameter is written.
        generator: of fresh weights.

    Raises:
        ValueError: if a key of the child is neither carried nor claimed by a rule.
    """
    rules = rules_between(parent, child)
    fresh = build_backbone(child.config, child.numerics, generator).state_dict()
    source = parent.state_dict()
    target = child.state_dict()
    carried = sorted(name for name in target if name in source and source[name].shape == target[name].shape)
    initialized = {name: _claimed_by(name, rules) for name in sorted(target.keys() - set(carried))}
    filled = {name: source[name] if name in source and name in carried else fresh[name] for name in target}
    if ADD_CAMERA in rules:
        filled.update(_camera_from_main(filled, initialized))
    child.load_state_dict(filled, strict=True)
    dropped = sorted(name for name in source if name not in carried)
    return TransferReport(
        rules=[f"{rule.name}: {rule.reason}" for rule in rules],
        carried=carried,
        initialized=initialized,
        dropped=dropped,
    )


def _claimed_by(name: str, rules: list[TransferRule]) -> str:
    for rule in rules:
        if re.fullmatch(rule.pattern, name):
            return rule.name
    raise ValueError(f"no transfer rule initializes {name!r}; rules in force: {[rule.name for rule in rules]}")


def _camera_from_main(filled: dict[str, torch.Tensor], initialized: dict[str, str]) -> dict[str, torch.Tensor]:
    """Camera projections, norms and convolution as copies of the main branch's (``init_cam_from_base``)."""
    copies: dict[str, torch.Tensor] = {}
    for name in initialized:
        prefix, _, leaf = name.partition("attn.")
        if not re.fullmatch(r"[qkv]_proj_cam\.weight", leaf):
            if re.fullmatch(r"[qk]_norm_cam\.weight|conv_k_cam\.weight", leaf):
                copies[name] = filled[f"{prefix}attn.{leaf.replace('_cam', '')}"].clone()
            continue
        part = "qkv".index(leaf[0])
        copies[name] = filled[f"{prefix}attn.qkv.weight"].chunk(3)[part].clone()
    return copies
