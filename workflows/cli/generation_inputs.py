"""What the options of ``wm generate`` say: camera path, picture, lenses, request."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from data_contracts.wire import GenerationMode

if TYPE_CHECKING:
    import numpy as np

    from data_contracts.bundle import BundleInfo
    from model.generation.request import GenerationRequest

ONE_PATH = "exactly one of --action, --camera and --waypoints"


@dataclass(frozen=True)
class PathOptions:
    """Where the camera path comes from; exactly one of the first three is given."""

    action: str | None
    camera: Path | None
    waypoints: Path | None
    key_map: int


@dataclass(frozen=True)
class CameraInput:
    """A path that was read: ``(F, 4, 4)`` poses, and what its file says beside them.

    Attributes:
        poses: camera-to-world, OpenCV axes, meters.
        lenses: ``fx fy cx cy`` per frame, or None.
        fps: rate it was made for, or None.
        held: keys per frame of an action, or None.
        action: the action and the version of its key map, or None.
    """

    poses: "np.ndarray"
    lenses: "np.ndarray | None" = None
    fps: float | None = None
    held: list[frozenset[str]] | None = None
    action: tuple[str, int] | None = None


@dataclass(frozen=True)
class SceneOptions:
    """What is shown and how it is sampled; ``frames`` cuts the path, ``mode`` None = as the weights were trained."""

    prompt: str
    image: Path | None
    intrinsics: Path | None
    frames: int | None
    mode: GenerationMode | None
    steps: int | None
    seed: int


def read_path(options: PathOptions) -> CameraInput:
    """The camera path that the options name.

    Raises:
        BadParameter: not exactly one is given.
        InputError: it cannot be read.
    """
    given = [option for option in (options.action, options.camera, options.waypoints) if option is not None]
    if len(given) != 1:
        raise typer.BadParameter(f"give {ONE_PATH}, not {len(given)}")
    from model.generation.action_path import read_action
    from model.generation.path_files import read_camera, read_waypoint_file

    if options.action is not None:
        read = read_action(options.action, options.key_map)
        return CameraInput(read.camera_to_world, held=read.held, action=(options.action, read.key_map))
    if options.camera is not None:
        file = read_camera(options.camera)
        return CameraInput(file.camera_to_world, file.intrinsics, file.fps)
    return CameraInput(read_waypoint_file(Path(given[0])))


def build_request(
    info: "BundleInfo", camera: CameraInput, scene: SceneOptions, mode: GenerationMode
) -> "GenerationRequest":
    """The request of the options, checked in every respect but those of the bundle's files.

    Raises:
        InputError: the picture, the path or the lenses cannot be used.
    """
    import numpy as np

    from model.generation.first_frame import default_intrinsics
    from model.generation.frame_count import STRIDE, cut_to_count
    from model.generation.path_files import read_intrinsics_file
    from model.generation.request import GenerationRequest, check_request

    _check_rate(info, camera)
    poses = camera.poses
    if scene.frames is not None:
        stride = STRIDE * info.chunk_frames if mode is GenerationMode.STREAMING else STRIDE
        poses = cut_to_count(poses, scene.frames, stride)
    pixels = None if scene.image is None else read_picture(scene.image)
    height, width = (info.height, info.width) if pixels is None else pixels.shape[:2]
    if scene.intrinsics is not None:
        lenses = read_intrinsics_file(scene.intrinsics, len(poses))
    elif camera.lenses is not None:
        lenses = camera.lenses[: len(poses)]
    else:
        lenses = np.tile(default_intrinsics(height, width, origin=info.pixel_origin), (len(poses), 1))
    request = GenerationRequest(pixels, scene.prompt, poses, lenses, scene.seed, mode, scene.steps)
    check_request(request, (info.height, info.width))
    return request


def read_picture(path: Path) -> "np.ndarray":
    """RGB of a picture file, upright.

    Raises:
        InputError: not a picture.
    """
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    from data_contracts.errors import ErrorCode, InputError

    try:
        with Image.open(path) as source:
            return np.asarray(ImageOps.exif_transpose(source).convert("RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"--image {path}: {str(error).splitlines()[0]}"
        raise InputError(ErrorCode.MEDIA_INVALID, message, "pass one PNG, JPEG or WebP") from None


def read_size(text: str | None) -> tuple[int, int] | None:
    """Height and width of ``HxW``.

    Raises:
        BadParameter: not two multiples of 32.
    """
    if text is None:
        return None
    height, _, width = text.partition("x")
    if (
        not (height.isdecimal() and width.isdecimal())
        or int(height) % 32
        or int(width) % 32
        or not int(height) * int(width)
    ):
        raise typer.BadParameter(f"--size is {text}, must be HxW in multiples of 32, as 704x1280")
    return int(height), int(width)


def _check_rate(info: "BundleInfo", camera: CameraInput) -> None:
    from model.generation.camera_check import camera_error

    if camera.fps is not None and abs(camera.fps - info.fps) > 1e-3:
        raise camera_error(
            f"--camera was made for {camera.fps:g} frames a second, the model makes {info.fps:g}",
            "resample the path to the model's rate",
        )
