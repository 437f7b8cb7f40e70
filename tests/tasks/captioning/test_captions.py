import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import yaml
from accepted_corpus import write_accepted_corpus

from data_contracts.caption import CaptionRow
from data_contracts.errors import OperationError
from infra.stage import StageContext
from tasks.captioning.config import CaptionConfig, CaptionEngine
from tasks.captioning.image_statistics import describe
from tasks.captioning.scene_static import make_scene_static
from tasks.captioning.stage import run_caption
from tasks.vision.caption_leak import find_leaks
from tasks.vision.tables import read_table

LEAKS = (
    ("The camera pans left across a wooden kitchen, with copper pots on the wall.", ("wooden kitchen", "copper pots")),
    ("A quiet street in the rain. The camera moves forward slowly.", ("A quiet street in the rain.",)),
    ("Zooming out from a red barn while the sun sets over the fields.", ("the fields",)),
)


@pytest.fixture
def config(request):
    path = request.config.rootpath / "workflows/recipes/tiny/caption.yaml"
    return CaptionConfig.model_validate(yaml.safe_load(path.read_text()))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    texts = (LEAKS[0][0], "", "The camera flies forward.", "A pan on the stove of a small kitchen.")
    return write_accepted_corpus(tmp_path_factory.mktemp("corpus"), captions=texts)


@pytest.mark.parametrize(("text", "kept"), LEAKS)
def test_motion_goes_and_the_scene_stays(text, kept):
    caption = make_scene_static(text)
    assert not find_leaks(caption)
    assert any(part in caption for part in kept)


def test_clean_text_is_untouched_and_pure_motion_leaves_nothing():
    clean = "A pan on the stove. Rolling hills behind the window!"
    assert make_scene_static(clean) == clean
    assert make_scene_static("The camera tilts up and pans right.") == ""


def test_pixels_decide_the_words():
    top, bottom = np.full((1, 48, 160, 3), (90, 150, 235), np.uint8), np.full((1, 48, 160, 3), (40, 90, 30), np.uint8)
    text = describe(np.concatenate([top, bottom], axis=1))
    assert "upper half is smooth blue" in text
    assert "lower half is smooth dark green" in text
    assert not find_leaks(text)
    assert "dark scene" in describe(np.full((1, 96, 160, 3), 12, np.uint8))


def test_every_clip_gets_a_clean_caption_of_its_own_writer(inputs, config, tmp_path):
    rows = caption(inputs, config, tmp_path)
    assert len(rows) == 4
    assert {row.captioner for row in rows} == {"source_scene_static", "image_statistics"}
    assert all(row.caption and not row.leak and not find_leaks(row.caption) for row in rows)
    assert any("A pan on the stove" in row.caption for row in rows)


@pytest.mark.parametrize(
    ("answer", "writer"),
    [
        (json.dumps({"caption": "A tall stone tower above a village. The camera orbits it."}), "vlm"),
        (json.dumps({"text": "off the schema"}), "source_scene_static"),
    ],
)
def test_endpoint_answers_are_checked(inputs, config, tmp_path, answer, writer):
    with endpoint(200, answer) as (url, seen):
        rows = caption(inputs, config.model_copy(update=vlm(url)), tmp_path)
    assert writer in {row.captioner for row in rows}
    assert all(not find_leaks(row.caption) for row in rows)
    content = seen[0]["messages"][0]["content"]
    assert sum(part["type"] == "image_url" for part in content) == 2
    assert seen[0]["response_format"]["json_schema"]["schema"]["required"] == ["caption"]


def test_refusal_of_the_endpoint_is_a_named_error(inputs, config, tmp_path):
    with endpoint(401, "no") as (url, _), pytest.raises(OperationError, match="HTTP 401"):
        caption(inputs, config.model_copy(update=vlm(url)), tmp_path)


def vlm(url):
    return {"engine": CaptionEngine.VLM, "endpoint": url, "model": "m", "frames": 2, "attempts": 1}


def caption(inputs, config, directory):
    (directory / "out").mkdir()
    run_caption(StageContext("caption", inputs, {"caption": directory / "out"}, config, cache=directory / "cache"))
    return read_table(directory / "out" / "captions.parquet", CaptionRow)


class endpoint:  # noqa: N801
    def __init__(self, status, answer):
        self.status, self.answer, self.seen = status, answer, []

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                body = json.dumps({"id": "1", "choices": [{"index": 0, "message": {"content": outer.answer}}]}).encode()
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/v1", self.seen

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
