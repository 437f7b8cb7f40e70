"""Which clips a corpus of N clips holds: the planted ones first, then good ones source by source."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from data_contracts.errors import ErrorCode, InputError
from tasks.corpus_synth.kinds import GOOD, PLANTINGS, Kind, Planting, Source
from tasks.corpus_synth.paths import Family

FEWEST_CLIPS = 24
CLIPS_PER_SET = 48  # one set of planted clips for every so many clips
TYPICAL_SPEED = {Source.PLAIN: 0.6, Source.MIRADATA: 0.8, Source.OMNIWORLD: 1.0, Source.SEKAI_GAME: 1.2}
LOOP_SPEED = 1.25  # metres per second at which 5 s suffice for the way round the corridor
BARE_SCENES = 500  # scene numbers from here on belong to bare rooms, which share no scene


class World(StrEnum):
    """What is filmed."""

    ROOM = "room"
    TERRAIN = "terrain"
    CORRIDOR = "corridor"
    BARE_ROOM = "bare_room"


# Per source: what its scenes are in turn, and how the camera moves in each.
WORLDS: dict[Source, tuple[tuple[World, tuple[Family, Family]], ...]] = {
    Source.PLAIN: (
        (World.ROOM, (Family.ARC, Family.STRAFE)),
        (World.ROOM, (Family.ZOOM, Family.DOLLY)),
        (World.CORRIDOR, (Family.LOOP, Family.LOOP)),
    ),
    Source.MIRADATA: (
        (World.TERRAIN, (Family.STRAFE, Family.ARC)),
        (World.ROOM, (Family.ARC, Family.STRAFE)),
        (World.TERRAIN, (Family.DOLLY, Family.STRAFE)),
        (World.CORRIDOR, (Family.LOOP, Family.LOOP)),
    ),
    Source.OMNIWORLD: (
        (World.TERRAIN, (Family.ARC, Family.STRAFE)),
        (World.CORRIDOR, (Family.LOOP, Family.LOOP)),
        (World.TERRAIN, (Family.ZOOM, Family.DOLLY)),
    ),
    Source.SEKAI_GAME: (
        (World.TERRAIN, (Family.STRAFE, Family.DOLLY)),
        (World.CORRIDOR, (Family.LOOP, Family.LOOP)),
        (World.TERRAIN, (Family.ARC, Family.ZOOM)),
    ),
}


@dataclass(frozen=True)
class ClipSpec:
    """One clip to make.

    Attributes:
        planting: what it is and what must become of it.
        number: its number within the source.
        world, family: what is filmed and how.
        scene_number: its scene within the source; clips of one scene differ in their path.
        speed: metres per second.
        fps: native frame rate; every clip lasts 5 s.
        size: native width and height.
        has_sensor: whether sparse sensor depth lies beside it.
        copy_of: number of the clip it repeats byte for byte, -1 otherwise.
    """

    planting: Planting
    number: int
    world: World
    family: Family
    scene_number: int
    speed: float
    fps: int
    size: tuple[int, int]
    has_sensor: bool
    copy_of: int = -1

    @property
    def source(self) -> Source:
        """Where it is written."""
        return self.planting.source


def plan_corpus(clips: int, seed: int) -> list[ClipSpec]:
    """Every clip of a corpus, in the order of sources and numbers.

    Args:
        clips: how many video clips, planted ones included.
        seed: all randomness of the plan.

    Raises:
        InputError: for fewer clips than hold every kind and some good clips of each source.
    """
    if clips < FEWEST_CLIPS:
        raise InputError(
            ErrorCode.TOO_FEW_CLIPS_ASKED,
            f"clips = {clips}; a rendered corpus needs at least {FEWEST_CLIPS} to hold every planted kind",
            f"ask for {FEWEST_CLIPS} clips or more",
        )
    rng = np.random.default_rng([seed, 0])
    sources = list(Source)
    plantings = list(PLANTINGS) * max(1, clips // CLIPS_PER_SET)
    goods = [GOOD[sources[index % len(sources)]] for index in range(clips - len(plantings))]
    specs: list[ClipSpec] = []
    for source in sources:
        of_source = [planting for planting in (*plantings, *goods) if planting.source is source]
        specs += _plan_source(source, _shuffled(of_source, rng), rng)
    return specs


def _shuffled(plantings: Sequence[Planting], rng: np.random.Generator) -> list[Planting]:
    """Random order, so that a number says nothing; duplicates come after what they repeat."""
    order = [plantings[index] for index in rng.permutation(len(plantings))]
    return sorted(order, key=lambda planting: planting.kind is Kind.DUPLICATE)


def _plan_source(source: Source, plantings: Sequence[Planting], rng: np.random.Generator) -> list[ClipSpec]:
    specs: list[ClipSpec] = []
    plain_good = 0
    for number, planting in enumerate(plantings):
        good = planting.kind is Kind.GOOD
        world, family = _world(source, planting.kind, number)
        fps, size = _format(source, plain_good) if good else (16, (320, 192))
        loop = family is Family.LOOP
        specs.append(
            ClipSpec(
                planting=planting,
                number=number,
                world=world,
                family=family,
                scene_number=BARE_SCENES + number if world is World.BARE_ROOM else number // 2,
                speed=LOOP_SPEED if loop else TYPICAL_SPEED[source] * float(rng.uniform(0.85, 1.15)),
                fps=fps,
                size=size,
                has_sensor=not good or plain_good % 3 != 2,
                copy_of=_original(specs) if planting.kind is Kind.DUPLICATE else -1,
            )
        )
        plain_good += good
    return specs


def _world(source: Source, kind: Kind, number: int) -> tuple[World, Family]:
    if kind is Kind.SLOW_MOTION:
        return World.BARE_ROOM, Family.STRAFE
    choices = WORLDS[source]
    world, families = choices[number // 2 % len(choices)]
    return world, families[number % 2]


def _format(source: Source, index: int) -> tuple[int, tuple[int, int]]:
    """The first good clip of a source has the rate of the real source, the second of some is larger."""
    rates = {Source.PLAIN: 30, Source.MIRADATA: 24, Source.OMNIWORLD: 24, Source.SEKAI_GAME: 30}
    if index == 0:
        return rates[source], (320, 192)
    if index == 1 and source in {Source.PLAIN, Source.SEKAI_GAME}:
        return 16, (480, 288)
    return 16, (320, 192)


def _original(specs: Sequence[ClipSpec]) -> int:
    """The first good clip not yet repeated."""
    taken = {spec.copy_of for spec in specs}
    return next(spec.number for spec in specs if spec.planting.kind is Kind.GOOD and spec.number not in taken)
