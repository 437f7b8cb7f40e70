"""The video API over HTTP, and through the stock client, against the painted world."""

import io

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from serving.server_app import attach


def png(width=120, height=80):
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (200, 80, 40)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def client(engine):
    app = FastAPI()
    attach(app, engine)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def make(client, **fields):
    return client.post("/v1/videos", files={key: (None, value) for key, value in fields.items()})


def test_a_video_is_made_listed_fetched_and_deleted(client, wait):
    created = make(client, prompt="a room", seconds="1").json()
    assert created["status"] == "queued"
    assert created["size"] == "96x64"
    wait(lambda: client.get(f"/v1/videos/{created['id']}").json()["status"] == "completed")
    body = client.get(f"/v1/videos/{created['id']}/content")
    assert body.headers["content-type"] == "video/mp4"
    assert body.content[4:8] == b"ftyp"
    for variant in ("thumbnail", "spritesheet"):
        still = client.get(f"/v1/videos/{created['id']}/content", params={"variant": variant})
        assert Image.open(io.BytesIO(still.content)).format == "JPEG"
    assert client.get("/v1/videos").json()["data"][0]["id"] == created["id"]
    assert client.delete(f"/v1/videos/{created['id']}").json() == {
        "id": created["id"],
        "object": "video.deleted",
        "deleted": True,
    }
    assert client.get(f"/v1/videos/{created['id']}").status_code == 404


def test_the_image_reaches_the_model(client, world, wait):
    answer = client.post(
        "/v1/videos", data={"prompt": "a room"}, files={"input_reference": ("a.png", png(), "image/png")}
    )
    assert answer.status_code == 200
    wait(lambda: world.requests)
    assert world.requests[0].image.shape == (80, 120, 3)
    assert tuple(world.requests[0].image[0, 0]) == (200, 80, 40)


def test_an_action_decides_the_path(client, world, wait):
    made = make(client, prompt="a room", action="w-20,d-20", seed="9", mode="bidirectional")
    assert made.json()["seconds"] == "2"
    wait(lambda: world.requests)
    assert world.requests[0].raw_frames == 41
    assert world.requests[0].seed == 9
    assert world.requests[0].mode == "bidirectional"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"prompt": ""}, "prompt"),
        ({}, "prompt"),
        ({"prompt": "x", "seconds": "abc"}, "seconds"),
        ({"prompt": "x", "seconds": "61"}, "seconds"),
        ({"prompt": "x", "size": "99999x99999"}, "size"),
        ({"prompt": "x", "size": "720x1280"}, "size"),
        ({"prompt": "x", "model": "other"}, "model"),
        ({"prompt": "x", "action": "w-99999999999"}, "action"),
        ({"prompt": "x", "action": "fly"}, "action"),
        ({"prompt": "x", "seed": "-1"}, "seed"),
        ({"prompt": "x", "mode": "magic"}, "mode"),
        ({"prompt": "x", "colour": "red"}, "colour"),
        ({"prompt": "x", "input_reference[image_url]": "http://example.com/a.png"}, "image_url"),
        ({"prompt": "x", "input_reference[image_url]": "data:image/png;base64,%%%"}, "image_url"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_named(client, fields, named):
    answer = make(client, **fields) if fields else client.post("/v1/videos", json={})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert named in error["message"]
    assert error["code"].startswith("E30")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("payload", [b"", b"not an image", png()[:200], png(8, 8)])
def test_a_bad_image_is_named(client, payload):
    files = {"input_reference": ("a.png", payload, "image/png")}
    answer = client.post("/v1/videos", data={"prompt": "x"}, files=files)
    assert answer.status_code == 400
    assert "input_reference" in answer.json()["error"]["message"]


def test_json_bodies_work_and_broken_ones_are_coded(client):
    assert client.post("/v1/videos", json={"prompt": "x", "seconds": "1"}).status_code == 200
    for body in (b"{", b"[]", b"\xff\xfe"):
        answer = client.post("/v1/videos", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"].startswith("E304")


def test_overload_is_429_with_a_time(client, world, wait):
    world.gate.clear()
    for _ in range(3):
        assert make(client, prompt="x").status_code == 200
    answer = make(client, prompt="x")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"].startswith("E506")


def test_an_unfinished_video_has_no_content_but_what_there_is_can_be_watched(client, world, wait):
    world.gate.clear()
    job = make(client, prompt="x", seconds="2").json()
    wait(lambda: world.chunks == 1)
    assert client.get(f"/v1/videos/{job['id']}/content").status_code == 409
    partial = client.get(f"/v1/videos/{job['id']}/content", params={"partial": "true"})
    assert partial.status_code == 200


def test_pages_follow_one_another(client):
    ids = [make(client, prompt=f"room {index}", seconds="1").json()["id"] for index in range(3)]
    first = client.get("/v1/videos", params={"limit": 2, "order": "asc"}).json()
    second = client.get("/v1/videos", params={"limit": 2, "order": "asc", "after": first["last_id"]}).json()
    assert [video["id"] for video in first["data"] + second["data"]] == ids
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert client.get("/v1/videos", params={"limit": 0}).status_code == 400


def test_the_page_and_the_card_are_served(client):
    assert "<html" in client.get("/").text
    assert client.get("/v1/models/sana-wm").json()["height"] == 64
    assert client.get("/v1/models/other").status_code == 400


def test_a_foreign_site_cannot_read_answers(client):
    answer = client.get("/v1/videos", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
