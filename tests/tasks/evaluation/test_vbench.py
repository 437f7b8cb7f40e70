"""The aggregation against every row of the paper's tables that carries it."""

import pytest

from tasks.evaluation.vbench import Dimension, ImageDimension, image_to_video_score, quality_score

COLUMNS = [
    Dimension.SUBJECT_CONSISTENCY,
    Dimension.BACKGROUND_CONSISTENCY,
    Dimension.TEMPORAL_FLICKERING,
    Dimension.MOTION_SMOOTHNESS,
    Dimension.AESTHETIC_QUALITY,
    Dimension.IMAGING_QUALITY,
    Dimension.DYNAMIC_DEGREE,
]
# Tables 2 and 9: SC BC TF MS AQ IQ DD, Overall.
ROWS = {
    "infinite_world_simple": (79.48, 87.79, 97.35, 98.78, 51.99, 69.34, 88.75, 79.18),
    "lingbot_simple": (93.77, 95.46, 97.13, 98.34, 64.06, 73.18, 41.25, 81.82),
    "hy_worldplay_simple": (65.95, 81.97, 94.63, 96.01, 40.28, 53.05, 91.25, 68.82),
    "matrix_game_simple": (81.62, 90.04, 94.37, 97.64, 52.24, 66.94, 97.50, 78.53),
    "sana_wm_simple": (87.46, 91.87, 94.99, 97.69, 55.70, 69.69, 72.50, 79.29),
    "sana_wm_refiner_simple": (88.62, 93.21, 96.18, 98.61, 58.05, 72.12, 61.25, 80.62),
    "infinite_world_hard": (78.61, 86.98, 96.46, 98.68, 52.12, 71.22, 98.75, 79.51),
    "lingbot_hard": (91.79, 94.41, 96.10, 97.82, 62.79, 72.60, 62.50, 81.89),
    "hy_worldplay_hard": (68.33, 83.06, 95.31, 96.71, 41.76, 53.71, 91.25, 70.46),
    "matrix_game_hard": (82.10, 89.99, 93.94, 97.60, 52.92, 68.03, 98.75, 78.79),
    "sana_wm_hard": (85.93, 90.89, 94.36, 97.49, 53.82, 69.12, 92.50, 79.60),
    "sana_wm_refiner_hard": (87.26, 92.55, 95.54, 98.49, 56.67, 71.38, 91.25, 81.89),
    "bidirectional_simple": (90.34, 93.31, 95.65, 98.24, 58.54, 72.32, 45.00, 79.39),
    "bidirectional_hard": (87.23, 91.50, 94.92, 97.96, 55.02, 70.56, 83.75, 80.18),
}
# Tables 3 and 10: SC BC MS AQ IQ DD, CM IS IB, then Quality I2V Total.
IMAGE_ROWS = {
    "sana_video": (
        (0.8267, 0.8841, 0.9613, 0.5738, 0.6376, 0.9976),
        (0.4755, 0.9312, 0.9545),
        (0.7683, 0.9073, 0.8378),
    ),
    "ltx2_vae": ((0.8346, 0.9048, 0.9560, 0.5395, 0.6636, 0.9902), (0.3942, 0.9309, 0.9622), (0.7697, 0.9082, 0.8390)),
    "hybrid": ((0.8564, 0.9114, 0.9611, 0.5649, 0.6765, 0.9602), (0.4343, 0.9450, 0.9693), (0.7834, 0.9226, 0.8530)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_overall_equals_the_paper(row):
    *scores, overall = row
    computed = quality_score(dict(zip(COLUMNS, (score / 100 for score in scores), strict=True)))
    assert abs(100 * computed - overall) < 0.011


@pytest.mark.parametrize("row", IMAGE_ROWS.values(), ids=IMAGE_ROWS)
def test_image_to_video_equals_the_paper(row):
    quality, image, expected = row
    used = [column for column in COLUMNS if column is not Dimension.TEMPORAL_FLICKERING]
    score = image_to_video_score(dict(zip(used, quality, strict=True)), dict(zip(ImageDimension, image, strict=True)))
    assert (score.quality, score.image, score.total) == pytest.approx(expected, abs=1.1e-4)


def test_a_missing_dimension_is_never_a_zero():
    scores = dict.fromkeys(COLUMNS[1:], 0.9)
    with pytest.raises(KeyError):
        quality_score(scores)


def test_scores_outside_their_bounds_are_clipped():
    low, high = dict.fromkeys(COLUMNS, 0.0), dict.fromkeys(COLUMNS, 2.0)
    assert (quality_score(low), quality_score(high)) == (0.0, 1.0)
