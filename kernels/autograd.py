"""What the operators' gradients share: which are wanted, how they are handed back, and no second derivatives."""

from collections.abc import Sequence
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


def heads_first(gradient: Tensor | None) -> Tensor | None:
    """(batch, frames, space, heads, dim) as (batch, heads, frames, space, dim)."""
    return None if gradient is None else gradient.permute(0, 3, 1, 2, 4)


def tokens_first(gradient: Tensor) -> Tensor:
    """The inverse of ``heads_first``."""
    return gradient.permute(0, 2, 3, 1, 4)
