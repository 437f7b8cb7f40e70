"""Configuration of ``screen`` and ``filter``; the values live in ``workflows/recipes``, thresholds in the contracts."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.licence import Use


class ScreenConfig(Record):
    """What the screen needs to know besides the contracts.

    Attributes:
        use: what the result is for; the licence gate.
        thumbnail_width: pixels.
    """

    use: Use
    thumbnail_width: int = Field(ge=16)


class FilterConfig(Record):
    """What the filter needs to know besides the contracts.

    Attributes:
        use: what the result is for; rendered clips carry the licence of their scene.
        thumbnail_width: pixels, of rendered clips.
    """

    use: Use
    thumbnail_width: int = Field(ge=16)
