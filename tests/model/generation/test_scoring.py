"""The score drops what is broken and prefers what decays less; the overlay shows what was held."""

import numpy as np
import pytest
from PIL import Image

from model.generation.overlay import draw_keys
from model.generation.scoring import best, score_video


def clip(frames=41):
    """A textured picture that slides by a pixel a frame."""
    texture = np.random.default_rng(0).integers(40, 216, (16, 40, 3), np.uint8)
    large = np.asarray(Image.fromarray(texture).resize((240, 96), Image.Resampling.BICUBIC))
    return np.stack([large[:, shift : shift + 160] for shift in range(frames)])


def blurred(frames):
    out = frames.copy()
    for index in range(1, len(out)):
        small = Image.fromarray(frames[index]).resize((20, 12))
        out[index] = np.asarray(small.resize((160, 96), Image.Resampling.BILINEAR))
    return out


def faded(frames):
    weights = np.linspace(1, 0.3, len(frames))[:, None, None, None]
    return (frames * weights).astype(np.uint8)


def torn(frames):
    return np.concatenate([frames[:20], 255 - frames[20:]])


def darkened(frames):
    out = frames.copy()
    out[len(out) // 2 :] = 0
    return out


def test_a_plain_walk_scores_high():
    assert score_video(clip(), 1).total > 0.9


@pytest.mark.parametrize(
    ("damage", "part"), [(blurred, "sharpness"), (faded, "steadiness"), (torn, "continuity")], ids=lambda x: str(x)[:12]
)
def test_each_decay_lowers_its_part_and_the_total(damage, part):
    whole, bad = score_video(clip(), 1), score_video(damage(clip()), 1)
    assert getattr(bad, part) < 0.6 * getattr(whole, part)
    assert bad.total < whole.total


def test_black_is_worth_nothing():
    score = score_video(darkened(clip()), 1)
    assert score.black
    assert score.total == 0


def test_the_best_are_kept_best_first():
    scores = [
        score_video(frames, seed) for seed, frames in enumerate((faded(clip()), clip(), darkened(clip()), clip()))
    ]
    assert [score.seed for score in best(scores, 3)] == [1, 3, 0]
    with pytest.raises(ValueError, match="keep is 5, must be 1 to 4"):
        best(scores, 5)


def test_the_overlay_lights_held_keys_and_touches_only_its_corner():
    frames = np.full((2, 192, 320, 3), 100, np.uint8)
    drawn = draw_keys(frames, [frozenset(), frozenset("w")])
    changed = np.argwhere((drawn[0] != drawn[1]).any(axis=-1))
    assert len(changed) > 50
    assert (changed[:, 0] > 150).all()
    assert (changed[:, 1] < 60).all()
    assert np.array_equal(drawn[:, :140], frames[:, :140])
    assert drawn[1].mean() > drawn[0].mean()
    with pytest.raises(ValueError, match="2 frames have 1 sets"):
        draw_keys(frames, [frozenset()])
