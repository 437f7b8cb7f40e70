"""A corpus with two inputs of each source, ``good`` and ``bad``; tests break the second and look at both."""

import csv
import json

import cv2
import numpy as np
from small_sources import FRAMES, HEIGHT, WIDTH, describe, moving_frames, trajectory, write_rows

from tasks.vision.video import write_video

FX, CX, CY = 80.0, 47.5, 31.5  # pixel centres at integers
NAMES = ("good", "bad")
PLY_PROPERTIES = ("x", "y", "z", "opacity")
INDEX = {
    "miradata": "miradata_v1.csv",
    "omniworld": "omniworld_metadata.csv",
    "sekai_game": "sekai-game.csv",
    "dl3dv_gs": "DL3DV-valid.csv",
}
GOOD = {
    "plain": "plain/good.mp4",
    "miradata": "miradata/videos/good.mp4",
    "omniworld": "omniworld/good",
    "sekai_game": "sekai_game/good.mp4",
    "dl3dv_gs": "dl3dv_gs/good",
}
BAD = {source: path.replace("good", "bad") for source, path in GOOD.items()}


def write_corpus(corpus):
    """Both inputs of all five sources."""
    for source, write in (
        ("plain", write_plain),
        ("miradata", write_miradata),
        ("omniworld", write_omniworld),
        ("sekai_game", write_sekai),
        ("dl3dv_gs", write_scene),
    ):
        describe(corpus / source, source)
        rows = [write(corpus / source, name, seed) for seed, name in enumerate(NAMES)]
        if source in INDEX:
            write_rows(corpus / source / INDEX[source], rows)


def write_plain(folder, name, seed):
    write_video(folder / f"{name}.mp4", moving_frames(seed), 16)
    (folder / f"{name}.json").write_text(json.dumps({"caption": "A wall."}))
    sensor_depth(folder / f"{name}.sensor_depth.npz")


def write_miradata(folder, name, seed):
    (folder / "videos").mkdir(exist_ok=True)
    write_video(folder / "videos" / f"{name}.mp4", moving_frames(10 + seed), 16)
    row = {"clip_id": name, "video_id": f"film_{name}", "fps": "16.0", "seconds": "1.0625", "frame_number": "17"}
    return row | {"file_path": f"videos/{name}.mp4", "dense_caption": "A wall, and a door."}


def write_omniworld(folder, name, seed):
    scene = folder / name
    for part in ("color", "depth", "camera"):
        (scene / part).mkdir(parents=True)
    depth = np.full((HEIGHT, WIDTH), 64_000, np.uint16)
    for index, frame in enumerate(moving_frames(20 + seed)):
        cv2.imwrite(str(scene / "color" / f"{index:06d}.png"), frame[..., ::-1])
        cv2.imwrite(str(scene / "depth" / f"{index:06d}.png"), depth)
    camera_from_world = np.linalg.inv(trajectory())
    camera = {
        "focals": [FX] * FRAMES,
        "cx": CX + 0.5,
        "cy": CY + 0.5,
        "quats": quaternions(camera_from_world[:, :3, :3]).tolist(),
        "trans": camera_from_world[:, :3, 3].tolist(),
    }
    (scene / "camera" / "split_0.json").write_text(json.dumps(camera))
    (scene / "split_info.json").write_text(json.dumps({"split": [list(range(FRAMES))]}))
    sensor_depth(folder / f"{name}.sensor_depth.npz")
    return {"UID": name, "Video Path": f"{name}/color", "Annotation Path": name, "FPS": "16.0"}


def write_sekai(folder, name, seed):
    write_video(folder / f"{name}.mp4", moving_frames(30 + seed), 16)
    k = np.array([[FX / WIDTH, 0, (CX + 0.5) / WIDTH], [0, FX / HEIGHT, (CY + 0.5) / HEIGHT], [0, 0, 1]])
    np.savez(folder / f"{name}.npz", extrinsic=trajectory(), intrinsic=np.tile(k, (FRAMES, 1, 1)))
    return {"videoFile": f"{name}.mp4", "cameraFile": f"{name}.npz", "caption": "A hall."}


def write_scene(folder, name, seed):
    ply = folder / name / "point_cloud" / "iteration_30000" / "point_cloud.ply"
    ply.parent.mkdir(parents=True)
    header = ["ply", "format binary_little_endian 1.0", "element vertex 5"]
    header += [f"property float {each}" for each in PLY_PROPERTIES] + ["end_header", ""]
    ply.write_bytes("\n".join(header).encode() + np.full((5, len(PLY_PROPERTIES)), seed, "<f4").tobytes())
    frames = [
        {"file_path": f"images/{index}.png", "transform_matrix": (pose @ np.diag([1.0, -1, -1, 1])).tolist()}
        for index, pose in enumerate(trajectory(3))
    ]
    content = {"w": WIDTH, "h": HEIGHT, "fl_x": FX, "fl_y": FX, "cx": CX + 0.5, "cy": CY + 0.5, "frames": frames}
    (folder / name / "transforms.json").write_text(json.dumps(content))
    return {"hash": name, "batch": "1K"}


def sensor_depth(path):
    depth = np.full((3, 4, 6), 1500, dtype=np.uint16)
    np.savez(path, frames=np.array([0, 8, 16], dtype=np.int64), depth=depth)


def quaternions(rotations):
    """w x y z of rotations about y."""
    half = np.arctan2(rotations[:, 0, 2], rotations[:, 0, 0]) / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, np.sin(half), zero], axis=1)


def edit_json(path, change):
    """Change the parsed content in place and write it back; NaN becomes the token."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_arrays(path, **changes):
    """Replace arrays of an NPZ by what their functions make of them; None takes the array away."""
    with np.load(path) as stored:
        arrays = dict(stored)
    for name, change in changes.items():
        if change is None:
            del arrays[name]
        else:
            arrays[name] = change(arrays[name].copy())
    np.savez(path, **arrays)


def edit_rows(path, change):
    """Change the list of rows, header first, and write it back."""
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    change(rows)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
