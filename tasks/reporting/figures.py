"""Matplotlib figures as inline images: one look for the whole report."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACCENT = "#76b900"
BAD = "#d1495b"
CALM = "#4a6fa5"
INK = "#22303c"
PALE = "#c9d3dc"
CYCLE = [CALM, ACCENT, "#e0a030", BAD, "#7d5ba6", "#2a9d8f", "#9a8c98", "#556b2f"]


def new_figure(width: float, height: float) -> "Figure":
    """A figure of ``width`` x ``height`` inches in the report's style, off screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=110, facecolor="white", layout="constrained")


def as_image(figure: "Figure", alt: str) -> str:
    """The figure as an ``<img>`` element with its PNG inside."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return _image_element(stream.getvalue(), "png", alt)


def file_as_image(path: Path, alt: str) -> str:
    """A JPEG or PNG file as an ``<img>`` element with its bytes inside."""
    return _image_element(path.read_bytes(), "jpeg" if path.suffix == ".jpg" else "png", alt)


def _image_element(data: bytes, kind: str, alt: str) -> str:
    from html import escape

    return f'<img alt="{escape(alt)}" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
