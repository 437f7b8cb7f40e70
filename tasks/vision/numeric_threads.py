"""One thread for linear algebra and image operations: the same bits whatever the machine, and no fighting for cores."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from threadpoolctl import threadpool_limits


@contextmanager
def single_numeric_thread() -> Iterator[None]:
    """Run BLAS and OpenCV on one thread inside, and as before outside."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)
