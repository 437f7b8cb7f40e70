from dataclasses import replace

import numpy as np
import pytest

from tasks.corpus_synth.kinds import GOOD, Source
from tasks.corpus_synth.paths import Family, Lens, film
from tasks.corpus_synth.plan import ClipSpec, World
from tasks.corpus_synth.raster import render_color
from tasks.corpus_synth.render import RenderedClip
from tasks.corpus_synth.sensor import sense
from tasks.corpus_synth.worlds.corridor import build_corridor
from tasks.corpus_synth.worlds.room import build_room
from tasks.corpus_synth.worlds.terrain import build_terrain


@pytest.fixture(scope="session")
def room():
    return build_room(np.random.default_rng(7), moving=False)


@pytest.fixture(scope="session")
def terrain():
    return build_terrain(np.random.default_rng(7), moving=True)


@pytest.fixture(scope="session")
def corridor():
    return build_corridor(np.random.default_rng(7), moving=False)


@pytest.fixture(scope="session")
def short_clip(room):
    """Seventeen frames of a room, as a function of the planting: for writers."""
    seconds = np.arange(17) / 16
    track = film(room, Family.ARC, Lens(320, 192, 70.0), 0.6, seconds, np.random.default_rng(1))
    frames = np.stack([render_color(room, track.view(frame)) for frame in range(17)])
    sensor = sense(room, track, [0, 8, 16], np.random.default_rng(2))
    spec = ClipSpec(GOOD[Source.PLAIN], 4, World.ROOM, Family.ARC, 2, 0.6, 16, (320, 192), True)
    clip = RenderedClip(spec, frames, track, sensor, "A room with a chest in soft light.", room, 0)

    def planted(planting, **changes):
        return replace(clip, spec=replace(spec, planting=planting), **changes)

    return planted
