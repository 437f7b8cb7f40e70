"""Which clips form the batch of a step: a pure function of seed and step, the same on every rank.

Clips of one batch have one shape (a length bucket). In every epoch each clip is seen as often as its weight says, in an
order drawn from (seed, epoch); a bucket's last batch is filled from that bucket's beginning. A resumed run needs the
step number alone.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

Shape = tuple[int, int, int]


class BatchSchedule:
    """The order of batches. It remembers the epoch it is in, so that consecutive steps cost nothing.

    Args:
        shapes: latent shape (frames, height, width) of each clip.
        weights: appearances of each clip per epoch; fractions are drawn per epoch.
        global_batch: clips per step over all data ranks.
        seed: of all draws.

    Raises:
        ValueError: no clip, an empty batch, or weights that do not match the clips.
    """

    def __init__(self, shapes: Sequence[Shape], weights: Sequence[float], global_batch: int, seed: int) -> None:
        if global_batch < 1 or not shapes or len(shapes) != len(weights):
            raise ValueError(
                f"a schedule needs clips and a batch: {len(shapes)} clips, {len(weights)} weights, "
                f"global_batch {global_batch}"
            )
        self.shapes = tuple(shapes)
        self.weights = np.asarray(weights, dtype=np.float64)
        self.global_batch = global_batch
        self.seed = seed
        self._starts = [0]  # first step of every epoch met so far, and of the one after it
        self._epoch = -1
        self._batches: list[list[int]] = []

    def indices(self, step: int) -> list[int]:
        """Clip indices of the global batch of ``step`` (from 0).

        Raises:
            ValueError: ``step`` is negative.
        """
        if step < 0:
            raise ValueError(f"step is {step}; it must be at least 0")
        while step >= self._starts[-1]:
            self._enter(len(self._starts) - 1)
        epoch = bisect_right(self._starts, step) - 1
        if epoch != self._epoch:
            self._enter(epoch)
        return self._batches[step - self._starts[epoch]]

    def _enter(self, epoch: int) -> None:
        """Draw all batches of an epoch, the one whose first step is known."""
        self._epoch, self._batches = epoch, self._draw(epoch)
        if epoch == len(self._starts) - 1:
            self._starts.append(self._starts[epoch] + len(self._batches))

    def _draw(self, epoch: int) -> list[list[int]]:
        """All batches of one epoch. A clip of weight 2.5 appears two or three times."""
        generator = np.random.default_rng([self.seed, epoch])
        whole = np.floor(self.weights)
        copies = whole + (generator.random(len(whole)) < self.weights - whole)
        copies[generator.integers(len(whole))] += not copies.any()
        buckets: dict[Shape, list[int]] = {}
        for index, count in enumerate(copies.astype(int)):
            buckets.setdefault(self.shapes[index], []).extend([index] * int(count))
        batches = [
            batch
            for shape in sorted(buckets)
            if buckets[shape]
            for batch in _cut(generator.permutation(buckets[shape]), self.global_batch)
        ]
        return [batches[position] for position in generator.permutation(len(batches))]


def _cut(order: np.ndarray, size: int) -> list[list[int]]:
    """Batches of ``size``; the last one continues at the beginning."""
    count = -(-len(order) // size)
    filled = np.resize(order, count * size)
    return [[int(index) for index in filled[start : start + size]] for start in range(0, len(filled), size)]
