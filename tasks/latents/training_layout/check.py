"""Archives of the authors' training layout, read row by row: what is whole, and a line for what is not."""

from collections import Counter
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError
from data_contracts.training_layout import LayoutCheck
from tasks.latents.training_layout.layout import SCORES, Problem
from tasks.latents.training_layout.read import read_archive


def check_layout(raw: Path, cache: Path) -> LayoutCheck:
    """Read every ``raw/<stem>.zip`` with its sidecars and its latents in ``cache/<stem>.zip``.

    A key in two archives is a problem of the later one: the loader would see the clip twice.

    Raises:
        InputError: ``raw`` holds no zip.
    """
    archives = sorted(raw.glob("*.zip"))
    if not archives:
        raise InputError(
            ErrorCode.CORPUS_EMPTY,
            f"{raw} holds no zip of the training layout",
            "give the directory of the raw zips, then that of the latent zips",
        )
    problems: list[Problem] = []
    scores: Counter[str] = Counter()
    captions, seen = 0, dict[str, str]()
    for archive in archives:
        found = read_archive(archive, cache)
        problems += found.problems
        for clip in found.clips:
            if clip.key in seen:
                problems.append(Problem(archive.name, clip.key, f"the key is in {seen[clip.key]} already"))
                continue
            seen[clip.key] = archive.name
            scores.update(clip.scores.keys())
            captions += clip.caption is not None
    return LayoutCheck(
        archives=len(archives),
        clips=len(seen),
        scores={kind: scores[kind] for kind in SCORES},
        captions=captions,
        problems=[" ".join(str(problem).split()) for problem in problems],
    )
