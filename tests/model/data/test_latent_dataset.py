import pytest
import torch
from synthetic_latents import write_synthetic_latents

from data_contracts.errors import OperationError
from model.data.corpus_view import CorpusView, Subset, split_by_scene
from model.data.latent_dataset import LatentDataset
from model.data.schedule import BatchSchedule
from model.data.shards import assign_shards

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    directory = tmp_path_factory.mktemp("latents")
    write_synthetic_latents(directory)
    return directory


def test_split_keeps_scenes_apart(artifact):
    train, held_out = LatentDataset(artifact), LatentDataset(artifact, CorpusView(Subset.HELD_OUT))
    assert len(train) == 4
    assert len(held_out) == 2
    assert not {r.scene_id for r in train.rows} & {r.scene_id for r in held_out.rows}


def test_one_sided_corpus_is_split_by_scene(artifact):
    rows = [row.model_copy(update={"split": "train"}) for row in LatentDataset(artifact).rows]
    split = split_by_scene(rows)
    assert split[Subset.HELD_OUT]
    assert split[Subset.TRAIN]
    assert not {r.scene_id for r in split[Subset.TRAIN]} & {r.scene_id for r in split[Subset.HELD_OUT]}
    alone = [row for row in rows if row.scene_id == rows[0].scene_id]
    assert split_by_scene(alone)[Subset.HELD_OUT] == alone


def test_batch_shapes_and_ranks_form_the_global_batch(artifact):
    dataset = LatentDataset(artifact)
    whole = dataset.batch(step=5, rank=0, world=1, batch_size=2, seed=3)
    parts = [dataset.batch(step=5, rank=rank, world=2, batch_size=1, seed=3) for rank in range(2)]
    assert whole.clip_ids == parts[0].clip_ids + parts[1].clip_ids
    assert torch.equal(whole.latents, torch.cat([part.latents for part in parts]))
    assert whole.latents.shape == (2, 128, 3, 2, 3)
    assert whole.camera_to_world.shape == (2, 17, 4, 4)
    assert whole.camera_to_world.dtype == torch.float64
    assert whole.text_states.shape == (2, 32, 64)
    assert whole.image_size == (64, 96)


def test_epoch_sees_every_clip_once_and_orders_differ(artifact):
    dataset = LatentDataset(artifact)
    epochs = [[dataset.batch(s, 0, 1, 1, seed=1).clip_ids[0] for s in range(e * 4, e * 4 + 4)] for e in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == [row.clip_id for row in dataset.rows]
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_weights_and_buckets():
    schedule = BatchSchedule([(3, 2, 3)] * 4 + [(1, 2, 3)] * 3, [2.5] + [1.0] * 6, global_batch=2, seed=0)
    batches = [schedule.indices(step) for step in range(400)]
    assert all(len({index < 4 for index in batch}) == 1 for batch in batches)
    counts = [sum(batch.count(index) for batch in batches) for index in range(4)]
    assert 2.0 < counts[0] / counts[1] < 3.0


def test_any_order_of_asking_gives_the_same_batches():
    def fresh():
        return BatchSchedule([(3, 2, 3)] * 5, [1.3] * 5, global_batch=2, seed=4)

    forward = fresh()
    expected = [forward.indices(step) for step in range(40)]
    assert [fresh().indices(step) for step in range(0, 40, 7)] == expected[::7]
    backward = fresh()
    assert [backward.indices(step) for step in reversed(range(40))] == expected[::-1]


def test_missing_view_and_corrupt_shard(artifact, tmp_path):
    with pytest.raises(OperationError, match="elsewhere"):
        LatentDataset(artifact, CorpusView(sources=("elsewhere",)))
    write_synthetic_latents(tmp_path, clips=2)
    shard = next((tmp_path / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(OperationError, match="corrupt"):
        LatentDataset(tmp_path).clip(0)


def test_artifact_bytes_are_deterministic(artifact, tmp_path):
    write_synthetic_latents(tmp_path)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(artifact) for p in artifact.rglob("*") if p.is_file())
    assert all((tmp_path / n).read_bytes() == (artifact / n).read_bytes() for n in names)


def test_one_new_clip_changes_one_shard():
    ids = [f"clip-{i}" for i in range(100)]
    before, after = assign_shards(ids, 10), assign_shards([*ids, "new"], 10)
    assert sum(shard not in before for shard in after) == 1
    assert sorted(clip for shard in after for clip in shard) == sorted([*ids, "new"])
