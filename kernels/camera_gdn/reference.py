"""The camera branch's gated delta rule: Eq. 3 with one state and no denominator, scanned both ways."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.affine import (
    AffineSteps,
    backward_states,
    backward_summary,
    delta_rule_steps,
    forward_states,
    forward_summary,
)
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNSummary


def camera_gdn(
    inputs: CameraGDNInputs, resets: Sequence[bool], carry: CameraGDNCarry
) -> tuple[Float[Tensor, "batch heads frames space head_dim"], Float[Tensor, "batch heads value key"]]:
    """See ``kernels.camera_gdn.api.camera_gdn``."""
    steps = affine_steps(inputs)
    states = forward_states(steps, carry.before)
    later_states = backward_states(steps, resets, carry.after)
    return inputs.query.float() @ (states + later_states).mT, states[:, :, -1]


def camera_gdn_summary(inputs: CameraGDNInputs, resets: Sequence[bool]) -> CameraGDNSummary:
    """See ``kernels.camera_gdn.api.camera_gdn_summary``."""
    steps = affine_steps(inputs)
    return CameraGDNSummary(forward_summary(steps), backward_summary(steps, resets))


def affine_steps(inputs: CameraGDNInputs) -> AffineSteps:
    """The steps of the one state, in float32."""
    key, value = inputs.key.float(), inputs.value.float()
    return delta_rule_steps(key, value, inputs.update_gate.float(), inputs.decay.float())
