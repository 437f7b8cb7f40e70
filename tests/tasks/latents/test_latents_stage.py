import numpy as np
import pytest
import torch
import yaml
from accepted_corpus import write_accepted_corpus

from data_contracts.caption import CaptionRow
from data_contracts.clip import AcceptedRow
from data_contracts.errors import OperationError
from infra.stage import StageContext
from model.codecs.fidelity import psnr
from model.codecs.pixels import video_from_frames
from model.codecs.store import load_codec
from model.data.corpus_view import CorpusView, Subset
from model.data.latent_dataset import LatentDataset
from tasks.latents.config import LatentsConfig
from tasks.latents.stage import run_latents
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import read_video


@pytest.fixture(scope="module")
def config(request):
    path = request.config.rootpath / "workflows/recipes/tiny/latents.yaml"
    return LatentsConfig.model_validate(yaml.safe_load(path.read_text()))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    inputs = write_accepted_corpus(tmp_path_factory.mktemp("corpus"))
    accepted = read_table(inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    rows = [CaptionRow(clip_id=row.clip_id, caption="stripes", captioner="t", captioner_version=1) for row in accepted]
    write_table(inputs["caption"] / "captions.parquet", rows, CaptionRow)
    return inputs


def run(inputs, config, directory):
    (directory / "out").mkdir(parents=True)
    context = StageContext("latents", inputs, {"latents": directory / "out"}, config, cache=directory / "cache")
    return run_latents(context), directory / "out"


def test_every_accepted_clip_is_encoded_and_decodes_to_its_media(inputs, config, tmp_path):
    summary, output = run(inputs, config, tmp_path)
    assert summary.items == 4
    held_out = LatentDataset(output, CorpusView(Subset.HELD_OUT))
    assert (len(LatentDataset(output)), len(held_out)) == (3, 1)
    row, clip = held_out.rows[0], held_out.clip(0)
    media = video_from_frames(read_video(inputs["ingest"] / "media" / f"{row.clip_id}.mp4").frames)
    assert psnr(media, load_codec(output).decode(clip.latent[None])) == pytest.approx(row.psnr, abs=0.05)
    assert row.psnr_best >= row.psnr - 0.05
    assert np.allclose(clip.camera_to_world[-1, 0, 3], 0.1)
    later = torch.cat([LatentDataset(output).clip(i).latent[:, 1:].flatten(1) for i in range(3)], dim=1)
    assert later.mean(1).abs().max() < 1e-3


def test_bytes_do_not_depend_on_workers_or_cache(inputs, config, tmp_path):
    _, first = run(inputs, config, tmp_path / "a")
    (tmp_path / "b" / "out").mkdir(parents=True)
    run_latents(
        StageContext("latents", inputs, {"latents": tmp_path / "b/out"}, config, cache=tmp_path / "a/cache", workers=2)
    )
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert all((first / f).read_bytes() == (tmp_path / "b/out" / f).read_bytes() for f in files)


def test_missing_caption_is_named(inputs, config, tmp_path):
    lacking = dict(inputs) | {"caption": tmp_path / "caption"}
    write_table(tmp_path / "caption" / "captions.parquet", [], CaptionRow)
    with pytest.raises(OperationError, match="lacks 4 accepted clips"):
        run(lacking, config, tmp_path)
