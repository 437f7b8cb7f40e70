"""The VLM pass of App. B.3: counts of people, vehicles and animals, and whether the clip is fit to be used."""

from dataclasses import dataclass

from pydantic import Field

from data_contracts.base import Record
from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.vlm_endpoint import Question, VlmEndpoint, ask

MOST = 100_000

PROMPT = (
    "These are frames of one video, in order. Count the distinct people, vehicles and animals that can be seen in the "
    "whole video. Then say whether the picture is visually poor (blurred, blocky, noisy, washed out), whether it is "
    "too dark to make out the scene, and whether it is unsuitable otherwise (a menu, a slide, a black or frozen "
    "picture, text or a logo over most of it). Answer with JSON only."
)


class ClipJudgement(Record):
    """What the model must answer with."""

    people: int = Field(ge=0, le=MOST)
    vehicles: int = Field(ge=0, le=MOST)
    animals: int = Field(ge=0, le=MOST)
    visually_poor: bool
    too_dark: bool
    unsuitable: bool


@dataclass(frozen=True)
class VlmScorer:
    """``entities``: people, vehicles and animals together; ``quality_flag``: 1 where nothing is wrong, else 0.

    Table 6 accepts a flag in [0.5, 1.5]. The endpoint shows no weights, so their place in a score row names the model
    it serves. A clip for which every answer was off the schema has no value, and required rules reject it by name.
    """

    endpoint: VlmEndpoint
    name: str = "vlm"
    version: str = "1"

    @property
    def weights(self) -> str:
        """The served model's name."""
        return f"served:{self.endpoint.model}"

    def measure(self, clip: StoredClip) -> list[Measure]:
        """Both values.

        Raises:
            OperationError: the endpoint cannot be reached, stays busy, or refuses the request.
        """
        answer = ask(self.endpoint, Question(PROMPT, ClipJudgement), clip.frames)
        if answer is None:
            told = f"{self.endpoint.model} gave no answer of the asked form in {self.endpoint.attempts} tries"
            return [Measure("entities", None, detail=told), Measure("quality_flag", None, detail=told)]
        counts = f"{answer.people} people, {answer.vehicles} vehicles, {answer.animals} animals"
        faults = {"visually poor": answer.visually_poor, "too dark": answer.too_dark, "unsuitable": answer.unsuitable}
        found = ", ".join(fault for fault, present in faults.items() if present)
        return [
            Measure("entities", float(answer.people + answer.vehicles + answer.animals), detail=counts),
            Measure("quality_flag", 0.0 if found else 1.0, detail=found),
        ]
