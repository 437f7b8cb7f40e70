"""Everything that is registered, for ``pyflyte --pkgs workflows.registry package``."""

from workflows.build_corpus import build_corpus
from workflows.distill import distill
from workflows.end_to_end import end_to_end
from workflows.evaluate import evaluate
from workflows.launch_plans import corpus_refresh, whole_run
from workflows.release import release
from workflows.train_progressive import train_progressive

__all__ = [
    "build_corpus",
    "corpus_refresh",
    "distill",
    "end_to_end",
    "evaluate",
    "release",
    "train_progressive",
    "whole_run",
]
