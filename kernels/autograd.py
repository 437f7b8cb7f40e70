"""What the operators' gradients share: which are wanted, how they are handed back, and no second derivatives."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from torch import Tensor


class Context(Protocol):
    """What torch hands an operator's gradient formula."""

    call: Any  # whatever else than tensors the formula keeps of its call
    needs_input_grad: Any  # as nested as the operator's arguments

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What ``save_for_backward`` was given; None stays None."""
        ...

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the gradient formula."""
        ...


class SecondDerivativeError(RuntimeError):
    """A kernel's gradient was differentiated."""


def refuse_second(ctx: object, *gradients: object) -> NoReturn:  # noqa: ARG001 - an autograd formula's signature
    """The autograd formula of every backward operator.

    Raises:
        SecondDerivativeError: always.
    """
    raise SecondDerivativeError(
        "the fused kernels have first derivatives only; for second ones call with backend=Backend.REFERENCE"
    )


def kept(gradients: Sequence[Tensor | None], inputs: Sequence[Tensor | None], wanted: Sequence[bool]) -> list[Tensor]:
    """The wanted gradients in their inputs' types and contiguous; an empty tensor for each of the others.

    Operators return lists of tensors, so that ``torch.compile`` sees one node; a list has no room for None.
    """
    some = next(one for one in inputs if one is not None)
    return [
        gradient.to(entry.dtype).contiguous()
        if want and gradient is not None and entry is not None
        else some.new_empty(0)
        for gradient, entry, want in zip(gradients, inputs, wanted, strict=True)
    ]


def kept_fake(inputs: Sequence[Tensor | None], wanted: Sequence[bool], shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    """What ``kept`` returns, without data."""
    some = next(one for one in inputs if one is not None)
    return [
        some.new_empty(0) if entry is None or not want else entry.new_empty(shape)
        for entry, want, shape in zip(inputs, wanted, shapes, strict=True)
    ]


def handed(gradients: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor | None]:
    """None in place of every gradient that was not wanted."""
    return [gradient if want else None for gradient, want in zip(gradients, wanted, strict=True)]


def heads_first(gradient: Tensor) -> Tensor:
    """(batch, frames, space, heads, dim) as (batch, heads, frames, space, dim)."""
    return gradient.permute(0, 3, 1, 2, 4)


def tokens_first(gradient: Tensor) -> Tensor:
    """The inverse of ``heads_first``."""
    return gradient.permute(0, 2, 3, 1, 4)


def keep_raw_call(ctx: Context, inputs: tuple, output: object) -> None:  # noqa: ARG001 - torch's signature
    """What both fused calls keep for their gradients: every input."""
    features, tables, before, after, resets, scalars, gated = inputs
    ctx.save_for_backward(*features, *tables, before, after)
    ctx.call = list(resets), list(scalars), gated


def raw_gradients(backward: Callable[..., list[Tensor]]) -> Callable[..., tuple]:
    """The gradient formula of a fused call: three features, its tables, both ends, by the operator ``backward``."""

    def formula(ctx: Context, output: Tensor, last: Tensor) -> tuple:
        *inputs, before, after = ctx.saved_tensors
        resets, scalars, gated = ctx.call
        needs = ctx.needs_input_grad
        wanted = [*needs[0], *needs[1], needs[2], needs[3]]
        found = handed(backward(inputs, before, after, [output, last], resets, scalars, wanted, gated), wanted)
        return found[:3], found[3:-2], found[-2], found[-1], None, None, None

    return formula


def fake_raw_gradients(
    inputs: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    incoming: list[Tensor],  # noqa: ARG001 - the operator's signature
    resets: list[bool],  # noqa: ARG001 - as above
    scalars: list[float],  # noqa: ARG001 - as above
    wanted: list[bool],
    gated: bool,  # noqa: ARG001 - as above
) -> list[Tensor]:
    """What a fused call's backward operator returns, without data."""
    every = [*inputs, before, after]
    return kept_fake(every, wanted, [() if one is None else one.shape for one in every])
