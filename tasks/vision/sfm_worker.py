"""Incremental mapping by pycolmap, in a process of its own: ``python -m tasks.vision.sfm_worker DIRECTORY``.

After pycolmap is imported, a PNG written by the same process aborts it, and an internal check of the library ends the
process: neither may happen to the caller. ``request.safetensors`` holds keypoints and matches of the key frames (no
image is read), ``request.json`` the options; ``result.safetensors`` appears when a model was found.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file, save_file

REQUEST, OPTIONS, RESULT = "request.safetensors", "request.json", "result.safetensors"
HALF_PIXEL = 0.5  # pycolmap has pixel corners at integers, the project pixel centres


@dataclass(frozen=True)
class MappingOptions:
    """What the mapper is told.

    Attributes:
        height: pixels.
        width: pixels.
        first_focal: focal length it starts from, pixels.
        max_error: pixels a good match may be off.
        seed: of every random draw.
        per_image_focal: every key frame has a focal length of its own.
        fixed_focal: the first focal length stays as it is.
    """

    height: int
    width: int
    first_focal: float
    max_error: float
    seed: int
    per_image_focal: bool
    fixed_focal: bool


def write_request(
    directory: Path, keypoints: list[np.ndarray], names: list[np.ndarray], options: MappingOptions
) -> None:
    """Leave the key frames' pixels (n 2) and track numbers (n) where the worker finds them."""
    tensors = {f"pixels/{index:04d}": np.ascontiguousarray(pixels) for index, pixels in enumerate(keypoints)}
    tensors |= {f"tracks/{index:04d}": np.ascontiguousarray(tracks) for index, tracks in enumerate(names)}
    save_file(tensors, directory / REQUEST)
    (directory / OPTIONS).write_text(json.dumps(asdict(options)))


def matching_pairs(count: int) -> list[tuple[int, int]]:
    """Neighbours and ever longer steps: 1, 2, 4, 8, ... key frames, and the two ends."""
    steps = [1 << power for power in range(count.bit_length()) if 1 << power < count]
    pairs = {(first, first + step) for step in steps for first in range(count - step)}
    return sorted(pairs | {(0, count - 1)}) if count > 1 else []


def main(directory: Path) -> None:
    """Build the database, map, keep the largest model."""
    import pycolmap

    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    pycolmap.set_random_seed(0)
    options = MappingOptions(**json.loads((directory / OPTIONS).read_text()))
    tensors = load_file(directory / REQUEST)
    count = sum(name.startswith("pixels/") for name in tensors)
    pixels = [tensors[f"pixels/{index:04d}"] for index in range(count)]
    tracks = [tensors[f"tracks/{index:04d}"] for index in range(count)]
    _write_database(directory / "database.db", pixels, tracks, options)
    (directory / "images").mkdir()
    models = pycolmap.incremental_mapping(
        directory / "database.db", directory / "images", directory / "model", _pipeline(options)
    )
    if not models:
        return
    best = max(models.values(), key=lambda model: (model.num_reg_images(), model.num_points3D()))
    key, rotation, translation, focal = [], [], [], []
    for image in sorted(best.images.values(), key=lambda image: image.name):
        if image.has_pose:
            matrix = image.cam_from_world().matrix()
            key.append(int(image.name))
            rotation.append(matrix[:, :3])
            translation.append(matrix[:, 3])
            focal.append(best.cameras[image.camera_id].params[0])
    result = {"key": np.array(key, np.int64), "rotation": np.array(rotation), "translation": np.array(translation)}
    save_file({**result, "focal": np.array(focal, np.float64)}, directory / RESULT)


def _write_database(path: Path, pixels: list[np.ndarray], tracks: list[np.ndarray], options: MappingOptions) -> None:
    import pycolmap

    database = pycolmap.Database.open(path)
    images = []
    camera_id = rig_id = 0
    for index, points in enumerate(pixels):
        if index == 0 or options.per_image_focal:
            camera_id, rig_id = _write_camera(database, options)
        image_id = database.write_image(pycolmap.Image(name=f"{index:04d}", camera_id=camera_id))
        frame = pycolmap.Frame()
        frame.rig_id = rig_id
        sensor = pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera_id)
        frame.add_data_id(pycolmap.data_t(sensor, image_id))
        database.write_frame(frame)
        database.write_keypoints(image_id, (points + HALF_PIXEL).astype(np.float32))
        images.append(image_id)
    for first, second in matching_pairs(len(pixels)):
        matches = _verified_matches(tracks[first], tracks[second], pixels[first], pixels[second], options)
        if len(matches):
            geometry = pycolmap.TwoViewGeometry()
            geometry.config = pycolmap.TwoViewGeometryConfiguration.UNCALIBRATED
            geometry.inlier_matches = matches
            database.write_matches(images[first], images[second], matches)
            database.write_two_view_geometry(images[first], images[second], geometry)
    database.close()


def _write_camera(database: object, options: MappingOptions) -> tuple[int, int]:
    import pycolmap

    centre = [options.width / 2, options.height / 2]
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE",
        width=options.width,
        height=options.height,
        params=[options.first_focal, *centre],
        has_prior_focal_length=False,
    )
    camera_id = database.write_camera(camera)
    rig = pycolmap.Rig()
    rig.add_ref_sensor(pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera_id))
    return camera_id, database.write_rig(rig)


def _verified_matches(
    first: np.ndarray, second: np.ndarray, first_pixels: np.ndarray, second_pixels: np.ndarray, options: MappingOptions
) -> np.ndarray:
    """Rows of common tracks that one epipolar geometry explains (RANSAC seeded by OpenCV's fixed state)."""
    _, left, right = np.intersect1d(first, second, return_indices=True)
    if len(left) < 20:
        return np.zeros((0, 2), np.uint32)
    cv2.setRNGSeed(options.seed)
    _, mask = cv2.findFundamentalMat(
        first_pixels[left], second_pixels[right], cv2.FM_RANSAC, options.max_error, 0.999, 500
    )
    if mask is None or mask.sum() < 15:
        return np.zeros((0, 2), np.uint32)
    return np.stack([left, right], axis=-1)[mask[:, 0] == 1].astype(np.uint32)


def _pipeline(options: MappingOptions) -> object:
    import pycolmap

    pipeline = pycolmap.IncrementalPipelineOptions()
    pipeline.num_threads = pipeline.mapper.num_threads = 1
    pipeline.random_seed = pipeline.mapper.random_seed = pipeline.triangulation.random_seed = options.seed
    pipeline.extract_colors, pipeline.multiple_models = False, False
    pipeline.min_model_size = 3
    # Fields of view of 25 to 120 degrees (App. B.3), over the larger side.
    pipeline.min_focal_length_ratio, pipeline.max_focal_length_ratio = 0.28, 2.3
    pipeline.ba_refine_focal_length = pipeline.mapper.abs_pose_refine_focal_length = not options.fixed_focal
    pipeline.mapper.init_min_tri_angle = 4.0  # a five-second clip rarely offers COLMAP's 16 degrees
    pipeline.mapper.init_max_error = pipeline.mapper.filter_max_reproj_error = 2 * options.max_error
    pipeline.mapper.abs_pose_max_error = 4 * options.max_error
    # Every frame is refined by our own adjustment afterwards: the mapper's refinements are cut short.
    pipeline.ba_global_frames_ratio, pipeline.ba_global_points_ratio = 1.4, 1.6
    pipeline.ba_global_max_refinements, pipeline.ba_local_max_refinements = 2, 1
    return pipeline


if __name__ == "__main__":
    main(Path(sys.argv[1]))
