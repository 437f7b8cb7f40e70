"""Captions of scenes: static ones, some with words that only look like motion, and leaking ones."""

from collections.abc import Sequence

import numpy as np

LIGHTS = ("soft daylight", "even light", "warm light", "cool light", "overcast light")
STYLES = ("painted", "worn", "speckled", "patterned", "colourful")
# Words of camera motion that are none: a leak test must let these pass.
HARD_NEGATIVES = (
    "A pan is on the stove.",
    "A pair of tracking shoes stands by the wall.",
    "A rolling hill closes the horizon.",
)
LEAKS = (
    "The camera pans slowly to the left across {scene}.",
    "A smooth tracking shot moves forward past {scene}.",
    "The camera zooms in on {scene} and then tilts up.",
    "The view orbits around {scene} as the camera dollies forward.",
)
CAMERA_MOTION = {
    "arc": "The camera orbits the middle of the scene at an even pace.",
    "strafe": "The camera trucks sideways at eye level.",
    "dolly": "The camera dollies forward at walking pace.",
    "loop": "The camera walks once around and returns to where it began.",
    "zoom": "The camera orbits slowly while it zooms in.",
}


def static_caption(words: Sequence[str], rng: np.random.Generator) -> str:
    """What is there, without a word about the camera or about time."""
    style, light = STYLES[rng.integers(len(STYLES))], LIGHTS[rng.integers(len(LIGHTS))]
    scene = f"{_capitalized(words[0])} with {_listed(words[1:])} in {light}, all surfaces {style}."
    return f"{scene} {HARD_NEGATIVES[rng.integers(len(HARD_NEGATIVES))]}"


def leaking_caption(words: Sequence[str], rng: np.random.Generator) -> str:
    """A caption that gives the camera's motion away."""
    return LEAKS[rng.integers(len(LEAKS))].format(scene=_listed(words))


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
