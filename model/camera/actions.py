"""The action language: ``keys-frames`` joined by commas, turned into a smooth camera path (model_spec.md 4.4).

What a key means has changed between releases, so the map is versioned and its version is stored with each action.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float
from numpy import ndarray

NO_KEYS = "none"
COAST_SECONDS = 1.0
PRESS_SECONDS = 0.45
MOVING = 1e-12
LEVEL_EPS = 1e-6
MAX_ACTION_FRAMES = 8184  # 1024 latent frames, the longest rotary axis of the released models
COUNT_DIGITS = 6


class Axis(StrEnum):
    """What a key drives."""

    FORWARD = "forward"
    RIGHT = "right"
    YAW = "yaw"
    PITCH = "pitch"


@dataclass(frozen=True)
class KeyMap:
    """Which way each key moves or turns the camera."""

    version: int
    keys: dict[str, tuple[Axis, float]]


def key_map(version: int = 2) -> KeyMap:
    """The key map of a version: 2 turns with a/d and strafes with j/l, 1 (the first release) the other way round.

    Raises:
        ValueError: naming the versions there are.
    """
    walk = {"w": (Axis.FORWARD, 1.0), "s": (Axis.FORWARD, -1.0), "i": (Axis.PITCH, 1.0), "k": (Axis.PITCH, -1.0)}
    sides = {1: ("jl", "ad"), 2: ("ad", "jl")}
    if version not in sides:
        raise ValueError(f"key map version {version} is unknown; known: {', '.join(map(str, sides))}")
    (left, right), (port, starboard) = sides[version]
    turn = {left: (Axis.YAW, -1.0), right: (Axis.YAW, 1.0)}
    strafe = {port: (Axis.RIGHT, -1.0), starboard: (Axis.RIGHT, 1.0)}
    return KeyMap(version, {**walk, **turn, **strafe})


@dataclass(frozen=True)
class ActionSettings:
    """How keys become motion.

    Attributes:
        translation_speed: metres per frame at full speed.
        rotation_speed_degrees: degrees per frame at full speed.
        pitch_limit_degrees: steepest pitch either way.
        fps: frames per second, for the smoothing times.
        smooth: whether velocities ease in and out; if not they are the keys' at once.
    """

    translation_speed: float = 0.025
    rotation_speed_degrees: float = 0.6
    pitch_limit_degrees: float = 60.0
    fps: float = 16.0
    smooth: bool = True


def parse_action(action: str, keys: KeyMap, limit: int = MAX_ACTION_FRAMES) -> list[frozenset[str]]:
    """Keys held at each frame. A full-width comma is a comma; ``none`` holds nothing.

    Counts are added up before anything is laid out per frame: whoever writes ``w-999999999`` gets an error, not a list.

    Args:
        action: segments ``keys-frames`` joined by commas.
        keys: what each key is; unknown keys are refused.
        limit: most frames in all.

    Raises:
        ValueError: naming the segment that cannot be read, or the number of frames and the limit.
    """
    segments = [_segment(text.strip(), keys) for text in action.replace("\N{FULLWIDTH COMMA}", ",").split(",")]
    frames = sum(count for _, count in segments)
    if frames > limit:
        raise ValueError(f"asks for {frames} frames, at most {limit} are allowed")
    return [pressed for pressed, count in segments for _ in range(count)]


def _segment(text: str, keys: KeyMap) -> tuple[frozenset[str], int]:
    names, _, count = text.lower().rpartition("-")
    if not names or not count.isdecimal() or len(count) > COUNT_DIGITS or int(count) < 1:
        raise ValueError(
            f"action segment {text[:60]!r} must be keys-frames, 1 to {10**COUNT_DIGITS - 1} frames, such as w-40"
        )
    pressed = frozenset() if names == NO_KEYS else frozenset(names)
    if unknown := pressed - keys.keys.keys():
        strange, known = " ".join(sorted(unknown))[:20], " ".join(sorted(keys.keys))
        raise ValueError(f"action segment {text[:60]!r}: unknown keys {strange}; key map {keys.version} has {known}")
    return pressed, int(count)


def action_to_camera(
    action: str,
    settings: ActionSettings = ActionSettings(),
    keys: KeyMap | None = None,
) -> Float[ndarray, "poses 4 4"]:
    """Camera-to-world path of an action, one pose more than it has frames, from the identity.

    OpenCV axes; forward and right are projected to the ground plane (y = 0), so pitch never lifts the camera.

    Raises:
        ValueError: if the action cannot be read.
    """
    keys = keys or key_map()
    position, rotation, pitch = np.zeros(3), np.eye(3), 0.0
    velocity = dict.fromkeys(Axis, 0.0)
    previous: frozenset[str] = frozenset()
    path = [np.eye(4)]
    for pressed in parse_action(action, keys):
        velocity = _velocity(velocity, pressed, pressed - previous, keys, settings)
        turned = np.clip(pitch + velocity[Axis.PITCH], *_pitch_limits(settings))
        rotation = _yaw(velocity[Axis.YAW]) @ rotation @ _pitch(turned - pitch)
        position = position + velocity[Axis.FORWARD] * _level(rotation[:, 2])
        position = position + velocity[Axis.RIGHT] * _level(rotation[:, 0])
        pitch, previous = float(turned), pressed
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, position
        path.append(pose)
    return np.stack(path)


def _velocity(
    now: dict[Axis, float], pressed: frozenset[str], fresh: frozenset[str], keys: KeyMap, settings: ActionSettings
) -> dict[Axis, float]:
    """Ease each velocity towards its keys' target; a freshly pressed key makes all of them snap."""
    turn = math.radians(settings.rotation_speed_degrees)
    speed = {Axis.FORWARD: settings.translation_speed, Axis.RIGHT: settings.translation_speed}
    following = {}
    for axis in Axis:
        target = sum(keys.keys[key][1] for key in sorted(pressed) if keys.keys[key][0] is axis) * speed.get(axis, turn)
        seconds = PRESS_SECONDS if abs(target) > MOVING else COAST_SECONDS
        share = 1.0 - math.exp(-1.0 / (settings.fps * seconds))
        following[axis] = target if fresh or not settings.smooth else now[axis] + share * (target - now[axis])
    return following


def _pitch_limits(settings: ActionSettings) -> tuple[float, float]:
    limit = math.radians(settings.pitch_limit_degrees)
    return -limit, limit


def _level(axis: Float[ndarray, " 3"]) -> Float[ndarray, " 3"]:
    flat = np.array([axis[0], 0.0, axis[2]])
    return flat / (np.linalg.norm(flat) + LEVEL_EPS)


def _yaw(angle: float) -> Float[ndarray, "3 3"]:
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def _pitch(angle: float) -> Float[ndarray, "3 3"]:
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
