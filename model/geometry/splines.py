"""Curves through camera keyframes: centripetal Catmull-Rom positions, squad rotations, one map of time for both.

Positions are metres, rotations unit quaternions ``w x y z`` of camera-to-world (OpenCV axes). A curve is evaluated at
*parameters*: real numbers in ``[0, N-1]`` whose integer part names the segment and whose fraction runs linearly in
that segment's own knot interval. Nothing here knows frames, seconds or templates.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

SMALL = 1e-9


def catmull_rom(
    points: Float[ndarray, "waypoints 3"], parameters: Float[ndarray, " samples"]
) -> Float[ndarray, "samples 3"]:
    """Centripetal Catmull-Rom curve: knot intervals are the square roots of the chord lengths.

    The two missing end points are reflections. A repeated waypoint makes a segment of zero length, on which the curve
    stands still; the segments beside it end with a reflected neighbour instead, so no knot interval is ever zero.

    Raises:
        ValueError: for fewer than two waypoints or a parameter outside ``[0, N-1]``.
    """
    segment, fraction = _locate(len(points), parameters)
    return np.stack([_segment_point(points, int(i), float(u)) for i, u in zip(segment, fraction, strict=True)])


def squad(
    quaternions: Float[ndarray, "waypoints 4"], parameters: Float[ndarray, " samples"]
) -> Float[ndarray, "samples 4"]:
    r"""Spherical quadrangle interpolation, smooth through every key rotation.

    $$\mathrm{squad}(q_i, q_{i+1}, s_i, s_{i+1}; u) =
    \mathrm{slerp}(\mathrm{slerp}(q_i, q_{i+1}; u), \mathrm{slerp}(s_i, s_{i+1}; u); 2u(1-u))$$

    with $s_i = q_i \exp(-\tfrac14(\log q_i^{-1}q_{i+1} + \log q_i^{-1}q_{i-1}))$ inside and $s = q$ at both ends. Keys
    are flipped into one hemisphere first, so equal and antipodal quaternions are the same rotation.

    Raises:
        ValueError: for fewer than two waypoints or a parameter outside ``[0, N-1]``.
    """
    segment, fraction = _locate(len(quaternions), parameters)
    keys = same_hemisphere(quaternions)
    controls = _squad_controls(keys)
    outer = slerp(keys[segment], keys[segment + 1], fraction)
    inner = slerp(controls[segment], controls[segment + 1], fraction)
    return slerp(outer, inner, 2 * fraction * (1 - fraction))


def slerp(
    start: Float[ndarray, "samples 4"], end: Float[ndarray, "samples 4"], fraction: Float[ndarray, " samples"]
) -> Float[ndarray, "samples 4"]:
    """Shortest great arc between unit quaternions; nearly equal ones are blended and renormalized."""
    cosine = np.sum(start * end, axis=-1)
    end = np.where(cosine[:, None] < 0, -end, end)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < SMALL
    safe = np.where(near, 1.0, sine)
    start_weight = np.where(near, 1 - fraction, np.sin((1 - fraction) * angle) / safe)
    end_weight = np.where(near, fraction, np.sin(fraction * angle) / safe)
    blended = start_weight[:, None] * start + end_weight[:, None] * end
    return blended / np.linalg.norm(blended, axis=-1, keepdims=True)


def same_hemisphere(quaternions: Float[ndarray, "waypoints 4"]) -> Float[ndarray, "waypoints 4"]:
    """Unit quaternions, each negated if it is on the far side of the one before it."""
    keys = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    for index in range(1, len(keys)):
        if keys[index] @ keys[index - 1] < 0:
            keys[index] = -keys[index]
    return keys


def uniform_speed_parameters(
    positions: Float[ndarray, "dense 3"],
    quaternions: Float[ndarray, "dense 4"],
    parameters: Float[ndarray, " dense"],
    frames: int,
    metres_per_radian: float,
) -> Float[ndarray, " frames"]:
    """Parameters of ``frames`` samples at equal steps of arc length, the first and the last kept exactly.

    Arc length is measured in pose space, ``ds^2 = |dp|^2 + (metres_per_radian * dtheta)^2``: a pure rotation has length
    too, so a whip pan or a hold keeps its time and its rotation. Positions and rotations are both evaluated at the
    returned parameters, the same map for both. A path that does not move at all keeps its own parameters.
    """
    turn = rotation_angles(quaternions[:-1], quaternions[1:])
    steps = np.hypot(np.linalg.norm(np.diff(positions, axis=0), axis=-1), metres_per_radian * turn)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    if length[-1] < SMALL:
        return np.linspace(parameters[0], parameters[-1], frames)
    moving = np.concatenate([[True], steps > 0])
    return np.interp(np.linspace(0.0, length[-1], frames), length[moving], parameters[moving])


def smooth_positions(positions: Float[ndarray, "frames 3"], rounds: int) -> Float[ndarray, "frames 3"]:
    """Laplacian smoothing with both end points pinned: each round moves a point half way to its neighbours' mean."""
    smoothed = positions.copy()
    for _ in range(rounds):
        middle = (smoothed[:-2] + smoothed[2:]) / 2
        smoothed[1:-1] += 0.5 * (middle - smoothed[1:-1])
    return smoothed


def clamp_turn_rate(quaternions: Float[ndarray, "frames 4"], radians_per_frame: float) -> Float[ndarray, "frames 4"]:
    """Rotations that chase the wanted ones by at most ``radians_per_frame`` a frame.

    What a fast turn could not reach is owed, not dropped: the next frames go on toward the wanted rotation of their own
    time. The number of frames and the first rotation are kept.
    """
    followed = same_hemisphere(quaternions)
    for index in range(1, len(followed)):
        wanted = followed[index]
        angle = float(rotation_angles(followed[index - 1 : index], wanted[None])[0])
        if angle > radians_per_frame:
            share = np.array([radians_per_frame / angle])
            followed[index] = slerp(followed[index - 1 : index], wanted[None], share)[0]
    return same_hemisphere(followed)


def rotation_angles(
    first: Float[ndarray, "samples 4"], second: Float[ndarray, "samples 4"]
) -> Float[ndarray, " samples"]:
    """Geodesic angle between rotations in radians, exact for small ones, blind to the sign of a quaternion."""
    sign = np.where(np.sum(first * second, axis=-1, keepdims=True) < 0, -1.0, 1.0)
    apart = np.linalg.norm(first - sign * second, axis=-1)
    together = np.linalg.norm(first + sign * second, axis=-1)
    return 4 * np.arctan2(apart, together)


def quaternions_from_matrices(rotations: Float[ndarray, "frames 3 3"]) -> Float[ndarray, "frames 4"]:
    """Rotation matrices to unit quaternions ``w x y z``."""
    return Rotation.from_matrix(rotations).as_quat(scalar_first=True)


def matrices_from_quaternions(quaternions: Float[ndarray, "frames 4"]) -> Float[ndarray, "frames 3 3"]:
    """Unit quaternions ``w x y z`` to rotation matrices."""
    return Rotation.from_quat(quaternions, scalar_first=True).as_matrix()


def _locate(
    waypoints: int, parameters: Float[ndarray, " samples"]
) -> tuple[Float[ndarray, " samples"], Float[ndarray, " samples"]]:
    if waypoints < 2:
        raise ValueError(f"a curve needs at least 2 waypoints, not {waypoints}")
    if len(parameters) and (parameters.min() < 0 or parameters.max() > waypoints - 1):
        raise ValueError(f"parameters must lie in [0, {waypoints - 1}]: {parameters.min()} to {parameters.max()}")
    segment = np.minimum(parameters.astype(np.int64), waypoints - 2)
    return segment, parameters - segment


def _segment_point(points: Float[ndarray, "waypoints 3"], index: int, fraction: float) -> Float[ndarray, " 3"]:
    """Barry-Goldman evaluation of one segment."""
    second, third = points[index], points[index + 1]
    if np.linalg.norm(third - second) < SMALL:
        return second.copy()
    first = points[index - 1] if index > 0 else 2 * second - third
    fourth = points[index + 2] if index + 2 < len(points) else 2 * third - second
    if np.linalg.norm(second - first) < SMALL:
        first = 2 * second - third
    if np.linalg.norm(fourth - third) < SMALL:
        fourth = 2 * third - second
    corners = np.stack([first, second, third, fourth])
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(corners, axis=0), axis=-1)))])
    at = knots[1] + fraction * (knots[2] - knots[1])
    level = list(corners)
    for width in (1, 2):
        level = [_blend(level[i], level[i + 1], knots[i], knots[i + width], at) for i in range(len(level) - 1)]
    return _blend(level[0], level[1], knots[1], knots[2], at)


def _blend(
    left: Float[ndarray, " 3"], right: Float[ndarray, " 3"], start: float, end: float, at: float
) -> Float[ndarray, " 3"]:
    share = (at - start) / (end - start)
    return (1 - share) * left + share * right


def _squad_controls(keys: Float[ndarray, "waypoints 4"]) -> Float[ndarray, "waypoints 4"]:
    controls = keys.copy()
    if len(keys) > 2:
        rotation = Rotation.from_quat(keys, scalar_first=True)
        inside = rotation[1:-1]
        ahead = (inside.inv() * rotation[2:]).as_rotvec()
        behind = (inside.inv() * rotation[:-2]).as_rotvec()
        bent = inside * Rotation.from_rotvec(-(ahead + behind) / 4)
        controls[1:-1] = bent.as_quat(scalar_first=True)
    # A control must lie on its key's side, or the inner arc would take the long way round.
    return np.where(np.sum(controls * keys, axis=-1, keepdims=True) < 0, -controls, controls)
