"""Which clips form the batch of a step: a pure function of seed and step, the same on every rank.

Clips of one batch have one shape (a length bucket). In every epoch each clip is seen as often as its weight says, in an
order drawn from (seed, epoch); a bucket's last batch is filled from that bucket's beginning. A resumed run needs the
step number alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class BatchSchedule:
    """The order of batches.

    Attributes:
        shapes: latent shape (frames, height, width) of each clip.
        weights: appearances of each clip per epoch; fractions are drawn per epoch.
        global_batch: clips per step over all data ranks.
        seed: of all draws.
    """

    shapes: Sequence[Shape]
    weights: Sequence[float]
    global_batch: int
    seed: int

    def __post_init__(self) -> None:
        if self.global_batch < 1 or not self.shapes or len(self.shapes) != len(self.weights):
            raise ValueError(
                f"a schedule needs clips and a batch: {len(self.shapes)} clips, {len(self.weights)} weights, "
                f"global_batch {self.global_batch}"
            )

    def indices(self, step: int) -> list[int]:
        """Clip indices of the global batch of ``step`` (from 0)."""
        if step < 0:
            raise ValueError(f"step is {step}; it must be at least 0")
        epoch = 0
        while True:
            batches = self._epoch(epoch)
            if step < len(batches):
                return batches[step]
            step -= len(batches)
            epoch += 1

    def _epoch(self, epoch: int) -> list[list[int]]:
        """All batches of one epoch. A clip of weight 2.5 appears two or three times."""
        generator = np.random.default_rng([self.seed, epoch])
        weights = np.asarray(self.weights, dtype=np.float64)
        copies = np.floor(weights) + (generator.random(len(weights)) < weights - np.floor(weights))
        copies[generator.integers(len(weights))] += not copies.any()
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
