"""The cluster captioner: a vision-language model behind an OpenAI-compatible endpoint, its answers schema-checked."""

from pydantic import Field

from data_contracts.base import Record
from tasks.captioning.protocols import CaptionItem
from tasks.captioning.scene_static import make_scene_static
from tasks.vision.video import read_video
from tasks.vision.vlm_endpoint import Question, VlmEndpoint, ask

PROMPT = (
    "These are frames of one video, in order. Describe the scene in three to five sentences: the objects, their "
    "appearance and materials, the layout of the place, the light and the style. Describe it as a still place. Never "
    "mention the camera, the viewpoint, how the view changes, or any direction of travel. Answer with JSON only."
)


class VlmAnswer(Record):
    """What the model must answer with: one caption and nothing else."""

    caption: str = Field(min_length=1, max_length=4000)


class VlmCaptioner:
    """Asks the endpoint for a scene-static caption; an answer off the schema counts as nothing to say.

    ``version`` grows with every change of the prompt.

    Args:
        endpoint: where the model is.
    """

    name = "vlm"
    version = 1

    def __init__(self, endpoint: VlmEndpoint) -> None:
        self.endpoint = endpoint

    def caption(self, item: CaptionItem) -> str:
        """The model's caption without what speaks of the camera; empty when there is no valid one.

        The next captioner then writes the text, and the table says so.

        Raises:
            OperationError: the endpoint cannot be reached, stays busy, or refuses the request.
        """
        answer = ask(self.endpoint, Question(PROMPT, VlmAnswer), read_video(item.media).frames)
        return make_scene_static(answer.caption) if answer else ""
