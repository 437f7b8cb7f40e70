"""A streaming rollout, chunk after chunk: called plainly, or replayed as CUDA graphs over static buffers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Protocol, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.cuda_graph import captured
from model.backbone import SanaWM
from model.causal.state import CacheWindow, RolloutState
from model.flow.guidance import Conditions, guided_advance
from model.layers.rope import RotaryTable

Latents = Float[Tensor, "batch channels frames height width"]
Timesteps = Float[Tensor, "batch 1 frames"]
Step = Callable[[], tuple[Latents, RolloutState]]
Begun = TypeVar("Begun")
Whole = TypeVar("Whole")
Capture = Callable[[Step], tuple[Step, tuple[Latents, RolloutState]]]


class Rollout(Protocol):
    """One video being made. Chunks are begun in order; each is passed a few times and then absorbed."""

    def begin(self, chunk: Conditions, latents: Latents) -> None:
        """Turn to the next chunk: its conditions, and latents of its shape."""
        ...

    def velocity(self, latents: Latents, timesteps: Timesteps) -> Latents:
        """Velocity of the chunk; valid until the next call."""
        ...

    def absorb(self, latents: Latents) -> None:
        """Take the finished chunk into the state."""
        ...


class PlainRollout:
    """Every pass is a call of the network.

    Args:
        model: few-step student.
        window: what softmax blocks keep.
    """

    def __init__(self, model: SanaWM, window: CacheWindow) -> None:
        self._model = model
        self._state = RolloutState(window=window)
        self._chunk: Conditions | None = None

    def begin(self, chunk: Conditions, latents: Latents) -> None:  # noqa: ARG002 - the protocol's signature
        """See ``Rollout``."""
        self._chunk = chunk

    def velocity(self, latents: Latents, timesteps: Timesteps) -> Latents:
        """See ``Rollout``."""
        return guided_advance(self._model, latents, timesteps, _begun(self._chunk), self._state)[0]

    def absorb(self, latents: Latents) -> None:
        """See ``Rollout``."""
        _, self._state = guided_advance(self._model, latents, _still(latents), _begun(self._chunk), self._state)


class GraphedRollout:
    """Every pass replays one CUDA graph: a pass of few frames is bound by launches, not by arithmetic.

    A graph is captured per combination of shapes, which a window makes few: the first chunk, the chunks that fill the
    window, and one for all others. What a chunk's passes share (conditions, rotary table, state) is copied into the
    graph's buffers once a chunk. Graphs outlive a rollout: ``restart`` begins another video with the same ones.

    Args:
        model: few-step student, on a CUDA device; not to be changed while graphs are kept.
        window: what softmax blocks keep.
        capture: makes a replayable step of a function; that of a CUDA graph but in tests.
    """

    def __init__(self, model: SanaWM, window: CacheWindow, capture: Capture | None = None) -> None:
        self._model = model
        self._window = window
        self._capture = capture or captured
        self._graphs: dict[tuple, _Graph] = {}
        self._current: _Graph | None = None
        self.restart()

    def restart(self) -> None:
        """Begin another video."""
        self._state = RolloutState(window=self._window)

    def begin(self, chunk: Conditions, latents: Latents) -> None:
        """See ``Rollout``; captures the graph of a combination of shapes when it is first met."""
        rotary = self._model.rollout_rotary(self._state.frames, *latents.shape[2:]).to(latents.device)
        given = _ChunkInputs(latents, _still(latents), chunk, self._state, rotary)
        key = _signature(given)
        if key not in self._graphs:
            self._graphs[key] = self._captured(given)
        self._current = self._graphs[key]
        _copy(self._current.inputs, given)

    def velocity(self, latents: Latents, timesteps: Timesteps) -> Latents:
        """See ``Rollout``."""
        return self._replayed(latents, timesteps).outputs[0]

    def absorb(self, latents: Latents) -> None:
        """See ``Rollout``."""
        graph = self._replayed(latents, _still(latents))
        # The graph knows the frame count of its capture; everything else of its state is tensors.
        self._state = replace(graph.outputs[1], frames=self._state.frames + latents.shape[2])

    def _replayed(self, latents: Latents, timesteps: Timesteps) -> "_Graph":
        graph = _begun(self._current)
        graph.inputs.latents.copy_(latents)
        graph.inputs.timesteps.copy_(timesteps)
        graph.replay()
        return graph

    def _captured(self, given: "_ChunkInputs") -> "_Graph":
        held = _cloned(given)

        def step() -> tuple[Latents, RolloutState]:
            return guided_advance(self._model, held.latents, held.timesteps, held.chunk, held.state, held.rotary)

        replay, outputs = self._capture(step)
        return _Graph(held, replay, outputs)


@dataclass(frozen=True)
class _ChunkInputs:
    """Everything a pass reads."""

    latents: Latents
    timesteps: Timesteps
    chunk: Conditions
    state: RolloutState
    rotary: RotaryTable


@dataclass(frozen=True)
class _Graph:
    inputs: _ChunkInputs
    replay: Step
    outputs: tuple[Latents, RolloutState]


def _still(latents: Latents) -> Timesteps:
    return torch.zeros(latents.shape[0], 1, latents.shape[2], device=latents.device)


def _begun(value: Begun | None) -> Begun:
    if value is None:
        raise ValueError("no chunk was begun")
    return value


def static_tensors(value: object) -> Iterator[Tensor]:
    """All tensors of nested frozen dataclasses and tuples, in a fixed order."""
    if isinstance(value, Tensor):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from static_tensors(getattr(value, one.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from static_tensors(part)


def _cloned(value: Whole) -> Whole:
    """The same structure around copies of its tensors."""
    copy: object = value
    if isinstance(value, Tensor):
        copy = value.clone()
    elif is_dataclass(value) and not isinstance(value, type):
        copy = replace(value, **{one.name: _cloned(getattr(value, one.name)) for one in fields(value)})
    elif isinstance(value, tuple):
        copy = tuple(_cloned(part) for part in value)
    return cast("Whole", copy)


def _signature(given: _ChunkInputs) -> tuple:
    return (given.chunk.guidance, *((tuple(one.shape), one.dtype) for one in static_tensors(given)))


def _copy(target: _ChunkInputs, source: _ChunkInputs) -> None:
    """Fill buffers. A sink's keys come back as the very buffers they were read from; those are left alone."""
    for buffer, fresh in zip(static_tensors(target), static_tensors(source), strict=True):
        if buffer.data_ptr() != fresh.data_ptr():
            buffer.copy_(fresh)
