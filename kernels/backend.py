"""Which implementation of a kernel runs. Named in one place; an unknown name is an error, never a fallback."""

from enum import StrEnum


class Backend(StrEnum):
    """The implementations there are. ``reference`` is the equation in plain PyTorch, on any device."""

    REFERENCE = "reference"


class UnknownBackendError(ValueError):
    """A backend that does not exist, or that a kernel does not have."""


def parse_backend(name: str) -> Backend:
    """The backend called ``name``.

    Raises:
        UnknownBackendError: naming the backends there are.
    """
    try:
        return Backend(name)
    except ValueError as error:
        known = ", ".join(backend.value for backend in Backend)
        raise UnknownBackendError(f"backend {name!r} is unknown; known: {known}") from error


def require_reference(backend: Backend, kernel: str) -> None:
    """Refuse a backend that ``kernel`` does not have yet.

    Raises:
        UnknownBackendError: if ``backend`` is not the reference.
    """
    if backend is not Backend.REFERENCE:
        raise UnknownBackendError(f"kernel {kernel!r} has no backend {backend!r}; known: {Backend.REFERENCE.value}")
