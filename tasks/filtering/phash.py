"""Perceptual hashes of clips and of pictures: re-encodings of one recording differ in few bits.

Hashes of single pictures are rows of bytes. A picture too flat to have a hash is a row of zeros, which no hash is: half
of a hash's bits are ones.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

NAME = "phash"
VERSION = "1"
SIDE = 16  # 16 x 16 low frequencies a picture
PICTURES = 5
BITS = SIDE * SIDE
FLATTEST = 6.0  # gray levels of standard deviation; below, a hash is noise


def clip_hash(gray: UInt8[np.ndarray, "frames height width"]) -> str:
    """Hexadecimal bits of five pictures spread over the clip; "" where a picture is too flat to have a hash."""
    indices = np.linspace(0, len(gray) - 1, PICTURES).round().astype(int)
    if any(gray[index].std() < FLATTEST for index in indices):
        return ""
    return np.packbits(np.concatenate([_picture(gray[index]) for index in indices])).tobytes().hex()


def nearest_earlier(hashes: list[str]) -> list[tuple[float, int] | None]:
    """For each clip the smallest distance to one listed before it, and which; None without any to compare.

    The distance is the largest share of differing bits over the five pictures: clips must agree everywhere.
    """
    found: list[tuple[float, int] | None] = []
    bits = [_unpack(text) for text in hashes]
    for index, mine in enumerate(bits):
        earlier = [(other, theirs) for other, theirs in enumerate(bits[:index]) if theirs is not None]
        if mine is None or not earlier:
            found.append(None)
            continue
        stack = np.stack([theirs for _, theirs in earlier])
        distance = (stack != mine).mean(axis=2).max(axis=1)
        best = int(distance.argmin())
        found.append((float(distance[best]), earlier[best][0]))
    return found


def picture_hashes(grays: Iterable[UInt8[np.ndarray, "height width"]]) -> UInt8[np.ndarray, "pictures bytes"]:
    """One hash a picture; zeros where it is too flat."""
    flat = np.zeros(BITS, dtype=bool)
    bits = [flat if gray.std() < FLATTEST else _picture(gray) for gray in grays]
    return np.packbits(np.reshape(bits, (-1, BITS)).astype(bool), axis=1)


def distances(
    hashes: UInt8[np.ndarray, "pictures bytes"], others: UInt8[np.ndarray, "others bytes"]
) -> Float[np.ndarray, "pictures others"]:
    """Share of differing bits of every pair, in one product of matrices; infinite where either has no hash."""
    ours, theirs = (2 * np.unpackbits(rows, axis=1).astype(np.float32) - 1 for rows in (hashes, others))
    found = (1 - ours @ theirs.T / BITS) / 2
    found[~hashes.any(axis=1)] = np.inf
    found[:, ~others.any(axis=1)] = np.inf
    return found


def _picture(gray: UInt8[np.ndarray, "height width"]) -> Bool[np.ndarray, " bits"]:
    small = cv2.resize(gray, (4 * SIDE, 4 * SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:SIDE, :SIDE].ravel()[1:]  # without the mean
    return np.append(low > np.median(low), False)


def _unpack(text: str) -> np.ndarray | None:
    if not text:
        return None
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8)).reshape(PICTURES, -1)
