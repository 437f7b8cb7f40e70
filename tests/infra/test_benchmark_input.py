"""A benchmark is the names and bytes of its pictures; a directory that is none is named with what is wrong."""

import shutil

import pytest
from drawn_pictures import drawn_picture, write_pictures

from data_contracts.errors import InputError
from infra.benchmark_input import examine_benchmark


@pytest.fixture
def published(tmp_path):
    write_pictures(tmp_path / "bench" / "images", {f"game_{n:03}": drawn_picture(n) for n in range(3)})
    return tmp_path / "bench"


def test_the_id_follows_the_pictures_and_nothing_else(published, tmp_path):
    found = examine_benchmark(published)
    assert [path.stem for path in found.pictures] == ["game_000", "game_001", "game_002"]
    (published / "benchmark_v2_smooth_60s").mkdir()
    (published / "benchmark_v2_smooth_60s" / "scene_trajectories_v2.json").write_text("{}")
    shutil.copytree(published / "images", tmp_path / "elsewhere")
    assert examine_benchmark(published).id == examine_benchmark(tmp_path / "elsewhere").id == found.id
    write_pictures(published / "images", {"game_001": drawn_picture(9)})
    assert examine_benchmark(published).id != found.id


def test_a_renamed_picture_is_another_benchmark(published):
    before = examine_benchmark(published).id
    (published / "images" / "game_002.png").rename(published / "images" / "city_001.png")
    assert examine_benchmark(published).id != before


@pytest.mark.parametrize("make", ["file", "nothing", "no pictures", "empty images"])
def test_a_directory_that_is_no_benchmark_is_named(tmp_path, make):
    place = tmp_path / "bench"
    if make == "file":
        place.write_bytes(b"")
    if make in {"no pictures", "empty images"}:
        (place / ("images" if make == "empty images" else "videos")).mkdir(parents=True)
    with pytest.raises(InputError, match="E106") as caught:
        examine_benchmark(place)
    assert str(place) in caught.value.message
    assert "images/<category>_NNN.png" in caught.value.fix
    assert caught.value.exit_code == 2
