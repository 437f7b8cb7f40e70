"""Smooth camera paths of five families, each with exact camera-to-world matrices.

A path is drawn at random until it keeps clear of every obstacle and sees enough depth; positions have constant speed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from tasks.corpus_synth.raster import View, render_depth
from tasks.corpus_synth.scene import Scene

MARGIN = 0.42
EYE_HEIGHT = 1.5
TRIES = 400
DEMANDS = ((1.0, 180.0), (1.0, 85.0), (0.85, 85.0), (0.7, 85.0))
"""In turn: the share of the length asked for, and the field of view (degrees) whose middle must be open."""
REDRAWS = 12  # scenes that are drawn until each of its clips has a path
LOOKS = 16  # a box half a metre away fills the picture for a few frames only


class Family(StrEnum):
    """What the camera does. ``zoom`` moves as ``arc`` does while the focal length grows."""

    ARC = "arc"
    STRAFE = "strafe"
    DOLLY = "dolly"
    LOOP = "loop"
    ZOOM = "zoom"


@dataclass(frozen=True)
class Lens:
    """Pixels of the frame, horizontal field of view in degrees, and fx over fy."""

    width: int
    height: int
    fov_x: float
    anisotropy: float = 1.0


@dataclass(frozen=True)
class Track:
    """Exact cameras of a clip.

    Attributes:
        camera_to_world: OpenCV, metres.
        intrinsics: fx fy cx cy per frame in pixels with centres at integers.
        seconds: time of each frame.
    """

    camera_to_world: Float[np.ndarray, "frames 4 4"]
    intrinsics: Float[np.ndarray, "frames 4"]
    seconds: Float[np.ndarray, "frames"]
    width: int
    height: int

    def view(self, frame: int) -> View:
        """The camera of one frame."""
        return View(
            self.camera_to_world[frame], self.intrinsics[frame], self.width, self.height, float(self.seconds[frame])
        )


class NoPathError(RuntimeError):
    """A scene in which nothing of the length asked for can be filmed."""


def film(
    scene: Scene,
    family: Family,
    lens: Lens,
    speed: float,
    seconds: Float[np.ndarray, "frames"],
    rng: np.random.Generator,
    portion: float = 1.0,
) -> Track:
    """Find a path of the family along which the scene can be filmed.

    Where none fits, the edges of a wide picture may be blocked, then the path may be shorter and slower.

    Args:
        scene: the world.
        family: kind of motion.
        lens: image size and field of view.
        speed: metres per second.
        seconds: times of the frames, from 0.
        rng: all randomness of the path.
        portion: share of the path that is covered in that time: slow motion, in which turns are slow too.

    Raises:
        NoPathError: if none fits (the scene is too crowded for the lens, or for any of the lengths).
    """
    progress = portion * seconds / seconds[-1]
    intrinsics = _intrinsics(family, lens, progress)
    for attempt in range(TRIES * len(DEMANDS)):
        share, looked_at = DEMANDS[attempt // TRIES]
        length = share * speed * seconds[-1]
        ground, heading, pitch = _plan(family, length, progress, rng)
        if scene.clearance(ground[:, 0], ground[:, 1]).min() < MARGIN:
            continue
        track = Track(_cameras(scene, ground, heading, pitch, progress), intrinsics, seconds, lens.width, lens.height)
        middle = replace(lens, fov_x=min(lens.fov_x, looked_at))
        if _sees_depth(scene, replace(track, intrinsics=_intrinsics(family, middle, progress))):
            return track
    raise NoPathError(f"no {family.value} path of {length:.1f} m fits the scene after {TRIES} tries")


def _intrinsics(family: Family, lens: Lens, progress: np.ndarray) -> Float[np.ndarray, "frames 4"]:
    focal_x = lens.width / 2 / np.tan(np.radians(lens.fov_x) / 2)
    zoom = 1 + 0.35 * (1 - np.cos(np.pi * progress)) / 2 if family is Family.ZOOM else np.ones_like(progress)
    centre = np.array([(lens.width - 1) / 2, (lens.height - 1) / 2])
    focal = np.stack([focal_x * zoom, focal_x / lens.anisotropy * zoom], axis=1)
    return np.concatenate([focal, np.broadcast_to(centre, (len(progress), 2))], axis=1)


def _plan(
    family: Family, length: float, progress: np.ndarray, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "frames 2"], Float[np.ndarray, "frames"], Float[np.ndarray, "frames"]]:
    """Ground positions (x, z), heading (0 looks along +z, positive to the right) and pitch (positive down)."""
    facing = rng.uniform(0, 2 * np.pi)
    phase = rng.uniform(0, 2 * np.pi, 3)
    sway = np.radians(rng.uniform(1, 3)) * np.sin(2 * np.pi * progress * rng.uniform(0.7, 1.3) + phase[0])
    pitch = np.radians(rng.uniform(3, 9) + 3 * np.sin(2 * np.pi * progress + phase[1]))
    start = rng.uniform(-1.2, 1.2, 2)
    if family in {Family.ARC, Family.ZOOM}:
        ground, heading = _arc(length, progress, rng)
    elif family is Family.LOOP:
        ground, heading, start = *_loop(length, progress, rng), np.zeros(2)
    else:
        ground, heading = _line(length, progress, family, rng)
    turn = np.array([[np.cos(facing), np.sin(facing)], [-np.sin(facing), np.cos(facing)]])
    return ground @ turn.T + start, heading + facing + sway, pitch


def _arc(length: float, progress: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Around a point ahead, which stays in the middle of the picture."""
    radius = rng.uniform(2.2, 3.4)
    sweep = length / radius * rng.choice([-1, 1])
    angle = sweep * (progress - 0.5)
    closeness = radius * (1 + 0.06 * np.sin(2 * np.pi * progress))
    ground = np.stack([-closeness * np.sin(angle), radius * 0.75 - closeness * np.cos(angle)], axis=1)
    return ground, angle


def _line(
    length: float, progress: np.ndarray, family: Family, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A gently weaving line: mostly sideways (strafe) or mostly ahead (dolly)."""
    if family is Family.STRAFE:
        course = np.radians(rng.uniform(55, 85)) * rng.choice([-1, 1])
    else:
        course = np.radians(rng.uniform(22, 42)) * rng.choice([-1, 1])
    along = length * (progress - 0.5)
    across = rng.uniform(0.10, 0.22) * np.sin(2 * np.pi * progress + rng.uniform(0, 2 * np.pi))
    ground = np.stack(
        [along * np.sin(course) + across * np.cos(course), along * np.cos(course) - across * np.sin(course)], axis=1
    )
    # Turning tells the focal length: without it, sideways motion leaves it nearly free.
    turn = np.radians(rng.uniform(10, 20)) * rng.choice([-1, 1])
    return ground, turn * np.sin(np.pi * (progress - 0.5))


def _loop(length: float, progress: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A closed loop round the origin that ends where it began; the camera glances to both sides on the way."""
    radius = length / (2 * np.pi)
    angle = 2 * np.pi * progress * rng.choice([-1, 1]) + rng.uniform(0, 2 * np.pi)
    ground = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return ground, np.radians(14) * np.sin(2 * np.pi * progress)


def _cameras(
    scene: Scene, ground: np.ndarray, heading: np.ndarray, pitch: np.ndarray, progress: np.ndarray
) -> Float[np.ndarray, "frames 4 4"]:
    x, z = ground.T
    floor = np.zeros_like(x) if scene.ground is None else _smoothed(scene.ground.at(x, z))
    bob = 0.08 * np.sin(2 * np.pi * progress)
    ahead = np.stack([np.sin(heading) * np.cos(pitch), np.sin(pitch), np.cos(heading) * np.cos(pitch)], axis=1)
    right = np.stack([np.cos(heading), np.zeros_like(heading), -np.sin(heading)], axis=1)
    camera = np.tile(np.eye(4), (len(x), 1, 1))
    camera[:, :3, 0], camera[:, :3, 1], camera[:, :3, 2] = right, np.cross(ahead, right), ahead
    camera[:, :3, 3] = np.stack([x, floor - EYE_HEIGHT + bob, z], axis=1)
    return camera


def _smoothed(values: np.ndarray) -> np.ndarray:
    """A walker does not follow every bump: a quadratic through the ground below the path."""
    grid = np.linspace(-1, 1, len(values))
    return np.polyval(np.polyfit(grid, values, 2), grid)


def _sees_depth(scene: Scene, track: Track) -> bool:
    """Whether the picture shows depth at four moments of the path, and nothing blocks it in between."""
    last = len(track.seconds) - 1
    moments = [0, last // 3, 2 * last // 3, last]
    between = [frame for frame in np.linspace(0, last, LOOKS).round().astype(int).tolist() if frame not in moments]
    return all(_is_open(scene, track.view(frame), near=0.65, middle=1.3, spread=1.7) for frame in moments) and all(
        _is_open(scene, track.view(frame), near=0.5, middle=1.0, spread=1.0) for frame in between
    )


def _is_open(scene: Scene, view: View, near: float, middle: float, spread: float) -> bool:
    """Whether the picture is mostly scene, and its near depth, middle depth (metres) and far over near are enough."""
    depth = render_depth(scene, view.resampled(40, 24))
    known = depth[depth > 0]
    if known.size < 0.4 * depth.size:
        return False
    low, median, high = np.percentile(known, [8, 50, 92])
    return bool(low >= near and median >= middle and high / low >= spread)
