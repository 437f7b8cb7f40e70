"""A source caption made scene-static (Sec. 4): what moves the camera goes, what is to be seen stays."""

import re

from tasks.captioning.protocols import CaptionItem
from tasks.vision.caption_leak import find_leaks

SHORTEST_CAPTION = 3  # words; less says nothing of a scene

_SENTENCES = re.compile(r"(?<=[.!?;])\s+|\n+")
_CLAUSES = re.compile(r"\s*,\s*(?:(?:and|then|while|as)\s+)*|\s+(?:while|whilst|as|and then|then|before|after)\s+")
# "the camera pans across a wooden kitchen": the scene is the object of the motion.
_SCENE = re.compile(
    r"\b(?:across|over|through|along|past|around|towards?|into|onto|above|revealing|reveals?|showing|shows?|capturing|"
    r"captures?|of|in|at|on)\s+((?:an?|the|some|several|many|one|two|three|four)\s.+)",
    re.IGNORECASE,
)


class SourceCaptioner:
    """Keeps the source's own caption without its camera motion."""

    name = "source_scene_static"
    version = 1

    def caption(self, item: CaptionItem) -> str:
        """The scene-static rest of the source's caption; empty when less than three words remain."""
        return make_scene_static(item.source_caption)


def make_scene_static(text: str) -> str:
    """Drop every clause that speaks of camera motion; keep the scene such a clause is about.

    Example:
        >>> make_scene_static("The camera pans left across a wooden kitchen, with copper pots on the wall.")
        'A wooden kitchen, with copper pots on the wall.'
    """
    sentences = [_static_sentence(sentence.strip()) for sentence in _SENTENCES.split(text.strip())]
    caption = " ".join(_as_sentence(sentence) for sentence in sentences if sentence)
    too_short = len(caption.split()) < SHORTEST_CAPTION
    return "" if too_short or find_leaks(caption) else caption


def _static_sentence(sentence: str) -> str:
    if not find_leaks(sentence):
        return sentence
    kept = [_static_clause(clause) for clause in _CLAUSES.split(sentence.rstrip(".!?; "))]
    return ", ".join(clause for clause in kept if clause)


def _static_clause(clause: str) -> str:
    """The clause itself, the scene it moves through, or nothing."""
    if not find_leaks(clause):
        return clause
    for match in _SCENE.finditer(clause):
        if not find_leaks(match.group(1)):
            return match.group(1)
    return ""


def _as_sentence(text: str) -> str:
    ended = text if text[-1] in ".!?" else text.rstrip(";,: ") + "."
    return ended[0].upper() + ended[1:]
