"""Makes one clip of the plan: builds or reuses its scene, films it, applies what is planted in pixels and cameras."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from tasks.corpus_synth import defects
from tasks.corpus_synth.captions import leaking_caption, static_caption
from tasks.corpus_synth.kinds import Kind, Source
from tasks.corpus_synth.paths import REDRAWS, Family, Lens, NoPathError, Track, film
from tasks.corpus_synth.plan import ClipSpec, World
from tasks.corpus_synth.raster import render_color
from tasks.corpus_synth.scene import Scene
from tasks.corpus_synth.sensor import SensorDepth, sense, sense_frames
from tasks.corpus_synth.worlds.corridor import build_corridor
from tasks.corpus_synth.worlds.room import build_room
from tasks.corpus_synth.worlds.terrain import build_terrain

SECONDS = 5.0
LOOP_SPEED = 1.25  # metres per second: in one clip's time round a corridor's loop
FINE_WIDTHS = {320: 480, 480: 640}  # pixels of the grid that is averaged down to a frame
# Wide beyond 120 degrees or narrow below 25 (vertically); twins within a quarter of the limit. The seed picks the side.
FOV_BAD = {"wide": 131.0, "narrow": 29.5}
FOV_TWIN = {"wide": 106.0, "narrow": 47.5}
FOCAL_BAD, FOCAL_TWIN = 1.30, 1.18  # fx / fy; |fx - fy| / mean is 0.26 and 0.165 against a limit of 0.20


@dataclass(frozen=True)
class RenderedClip:
    """A clip before it is written in its source's format.

    Attributes:
        spec: its row of the plan.
        frames: RGB, with what is planted in pixels.
        track: exact cameras, metres.
        sensor: sparse depth, None where the source ships none.
        caption: the source's caption.
        scene, seed: for writers that need dense depth or numbers of their own.
    """

    spec: ClipSpec
    frames: UInt8[np.ndarray, "frames height width 3"]
    track: Track
    sensor: SensorDepth | None
    caption: str
    scene: Scene
    seed: int

    def rng(self, purpose: int) -> np.random.Generator:
        """Numbers of this clip alone, for one purpose."""
        return clip_rng(self.spec, self.seed, purpose)


def clip_rng(spec: ClipSpec, seed: int, purpose: int) -> np.random.Generator:
    """A generator that depends on nothing but the corpus seed, the clip and the purpose."""
    return np.random.default_rng([seed, 1, list(Source).index(spec.source), spec.number, purpose])


def fitting_scene(specs: Sequence[ClipSpec], seed: int) -> Scene:
    """The scene that clips of one scene number share: the first draw in which each of them can be filmed.

    Raises:
        NoPathError: a clip finds no path in any of them.
    """
    problem = NoPathError("a scene without clips")
    for redraw in range(REDRAWS):
        scene = build_scene(specs[0], seed, redraw)
        try:
            for spec in specs:
                _film(spec, scene, seed, spec.speed)
        except NoPathError as error:
            problem = error
        else:
            return scene
    raise problem


def build_scene(spec: ClipSpec, seed: int, redraw: int = 0) -> Scene:
    """The scene of a clip; equal for all clips of one scene number."""
    drawn = [redraw] if redraw else []
    rng = np.random.default_rng([seed, 2, list(Source).index(spec.source), spec.scene_number, *drawn])
    moving = spec.scene_number % 3 == 2
    builders: dict[World, Callable[[], Scene]] = {
        World.ROOM: lambda: build_room(rng, moving),
        World.BARE_ROOM: lambda: build_room(rng, moving=False, bare=True),
        World.TERRAIN: lambda: build_terrain(rng, moving),
        World.CORRIDOR: lambda: build_corridor(rng, moving),
    }
    return builders[spec.world]()


def render_clip(spec: ClipSpec, scene: Scene, seed: int) -> RenderedClip:
    """Film and plant."""
    rng = clip_rng(spec, seed, 0)
    if spec.planting.kind is Kind.SLOW_MOTION:
        track, frames = _slow_motion(spec, scene, seed)
    elif spec.planting.kind is Kind.CUTS:
        track, frames = _with_cuts(spec, scene, seed)
    else:
        track = _film(spec, scene, seed, spec.speed)
        frames = _planted(spec.planting.kind, _shoot(scene, track, spec.planting.kind))
    sensor = None
    if spec.has_sensor:
        sensor = sense(scene, track, sense_frames(spec.fps, len(track.seconds)), clip_rng(spec, seed, 1))
    leaks = spec.planting.kind is Kind.LEAK
    caption = leaking_caption(scene.words, rng) if leaks else static_caption(scene.words, rng)
    return RenderedClip(spec, frames, track, sensor, caption, scene, seed)


def _film(spec: ClipSpec, scene: Scene, seed: int, speed: float, portion: float = 1.0) -> Track:
    rng = clip_rng(spec, seed, 2)
    frames = round(SECONDS * spec.fps) + 1
    side = "wide" if seed % 2 == 0 else "narrow"
    fov = {Kind.FOV: FOV_BAD[side], Kind.FOV_TWIN: FOV_TWIN[side]}.get(spec.planting.kind, float(rng.uniform(62, 78)))
    anisotropy = {Kind.FOCAL: FOCAL_BAD, Kind.FOCAL_TWIN: FOCAL_TWIN}.get(spec.planting.kind, 1.0)
    lens = Lens(*spec.size, fov, anisotropy)
    return film(scene, spec.family, lens, speed, np.arange(frames) / spec.fps, rng, portion)


def _shoot(scene: Scene, track: Track, kind: Kind) -> UInt8[np.ndarray, "frames height width 3"]:
    """Every frame, or the first alone where no other is used."""
    if kind is Kind.FROZEN:
        return np.repeat(render_color(scene, track.view(0))[None], len(track.seconds), axis=0)
    supersampling = FINE_WIDTHS[track.width] / track.width
    return np.stack([render_color(scene, track.view(frame), supersampling) for frame in range(len(track.seconds))])


def _planted(kind: Kind, frames: UInt8[np.ndarray, "frames height width 3"]) -> UInt8[np.ndarray, "frames h w 3"]:
    if kind is Kind.BLACK:
        return defects.black(frames)
    if kind is Kind.SATURATED:
        return defects.saturated(frames, defects.SATURATED)
    if kind is Kind.SATURATED_TWIN:
        return defects.saturated(frames, defects.SATURATED_TWIN)
    return frames


def _slow_motion(spec: ClipSpec, scene: Scene, seed: int) -> tuple[Track, np.ndarray]:
    """So little of a path that VMAF motion is just above its limit: how little is found by trying."""
    portion = 0.2
    for _ in range(5):
        track = _film(spec, scene, seed, spec.speed, portion)
        sample = [defects.vmaf_motion(_pair(scene, track, frame)) for frame in range(2, 80, 7)]
        portion = min(1.0, portion * float(np.clip(defects.MOTION_TWIN / np.mean(sample), 0.3, 3.0)))
    track = _film(spec, scene, seed, spec.speed, portion)
    return track, _shoot(scene, track, spec.planting.kind)


def _pair(scene: Scene, track: Track, frame: int) -> np.ndarray:
    return np.stack([render_color(scene, track.view(frame)), render_color(scene, track.view(frame + 1))])


def _with_cuts(spec: ClipSpec, scene: Scene, seed: int) -> tuple[Track, np.ndarray]:
    """Three scenes of different worlds in one clip."""
    others = [(World.ROOM, Family.ARC), (World.TERRAIN, Family.STRAFE), (World.CORRIDOR, Family.LOOP)]
    track = _film(spec, scene, seed, spec.speed)
    third = len(track.seconds) // 3
    frames = [render_color(scene, track.view(frame)) for frame in range(third)]
    for offset, (world, family) in enumerate([choice for choice in others if choice[0] is not spec.world], start=1):
        number, speed = spec.scene_number + 1000 * offset, LOOP_SPEED if family is Family.LOOP else spec.speed
        other = replace(spec, world=world, family=family, scene_number=number, speed=speed)
        place = fitting_scene([other], seed)
        path = _film(other, place, seed, speed)
        frames += [render_color(place, path.view(offset * third + frame)) for frame in range(third)]
    return track, np.stack(frames)


def ground_truth(track: Track, fps: int, metres_per_unit: float) -> dict[str, Float[np.ndarray, "..."]]:
    """Arrays of ``ground_truth/*.npz``."""
    return {
        "camera_to_world": track.camera_to_world,
        "intrinsics": track.intrinsics,
        "fps": np.array(float(fps)),
        "metres_per_unit": np.array(metres_per_unit),
    }
