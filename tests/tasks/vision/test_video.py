"""Video files are read whole or refused with the right reason, and written with the same bytes every time."""

import av
import numpy as np
import pytest

from tasks.vision.video import MediaError, MediaProblem, decode, media_info, read_video, write_video


@pytest.fixture(scope="module")
def frames():
    """Seventeen frames of smooth color drifting to the right."""
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    planes = [np.stack([np.sin((x + 3 * t) / k + y / 9) for k in (7, 11, 17)], axis=-1) * 100 + 128 for t in range(17)]
    return np.stack(planes).round().astype(np.uint8)


@pytest.fixture(scope="module")
def media(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_video(path, frames, 16)
    return path


def test_frames_come_back_in_order_close_and_without_a_shift_in_brightness(frames, media):
    video = read_video(media)
    error = video.frames.astype(float) - frames
    assert video.frames.shape == frames.shape
    assert video.fps == pytest.approx(16)
    assert np.allclose(video.times, np.arange(17) / 16)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 36
    assert abs(error.mean()) < 0.5
    # The nearest original of every decoded frame is itself: nothing dropped, doubled or reordered.
    distance = np.abs(video.frames[:, None].astype(float) - frames[None]).mean(axis=(2, 3, 4))
    assert list(distance.argmin(axis=1)) == list(range(17))


def test_same_frames_give_the_same_bytes(frames, media, tmp_path):
    for index in range(5):
        again = tmp_path / f"{index}.mp4"
        write_video(again, frames, 16)
        assert again.read_bytes() == media.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{index}.mp4" for index in range(5)]


def test_declared_facts(media):
    info = media_info(media)
    assert (info.height, info.width, info.frames, info.codec) == (64, 96, 17, "h264")


def damaged(media, kind):
    data = media.read_bytes()
    middle = len(data) // 2
    return {
        "empty": b"",
        "text": b"these are not the bytes you are looking for\n" * 20,
        "half": data[:middle],
        "one byte short": data[:-1],
        "zeros inside": data[:middle] + bytes(400) + data[middle + 400 :],
        "header": bytes(64) + data[64:],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("empty", MediaProblem.EMPTY),
        ("text", MediaProblem.CORRUPT),
        ("half", MediaProblem.TRUNCATED),
        ("one byte short", MediaProblem.TRUNCATED),
        ("zeros inside", MediaProblem.CORRUPT),
        ("header", MediaProblem.CORRUPT),
    ],
)
def test_damage_is_refused_by_its_name(media, tmp_path, kind, problem):
    path = tmp_path / "bad.mp4"
    path.write_bytes(damaged(media, kind))
    with pytest.raises(MediaError) as caught:
        list(decode(path))
    assert caught.value.problem is problem
    assert str(tmp_path) not in caught.value.detail


def test_trailing_bytes_do_no_harm(media, tmp_path):
    path = tmp_path / "padded.mp4"
    path.write_bytes(media.read_bytes() + b"\n")
    assert sum(1 for _ in decode(path)) == 17


def remux(source, target):
    """Copy the packets of a video into another container."""
    with av.open(source) as reader, av.open(target, "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.size:
                packet.stream = stream
                writer.mux(packet)


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_other_containers_and_their_ends(media, tmp_path, suffix):
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    remux(media, whole)
    assert sum(1 for _ in decode(whole)) == 17
    cut.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(MediaError) as caught:
        list(decode(cut))
    assert caught.value.problem is MediaProblem.TRUNCATED


def test_impossible_requests_are_refused(frames, tmp_path):
    with pytest.raises(ValueError, match="even sizes"):
        write_video(tmp_path / "odd.mp4", frames[:, :63], 16)
    assert not list(tmp_path.iterdir())
