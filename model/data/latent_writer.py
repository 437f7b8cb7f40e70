"""Writing of a latents artifact from encoded clips: shards, index, codec, text encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from data_contracts.latents import LatentRow
from model.codecs.dct import DctCodec
from model.codecs.hashed_text import HashedTextEncoder
from model.codecs.store import save_codec, save_text_encoder
from model.data.shards import ClipTensors, assign_shards, write_shard

INDEX = "index.parquet"


def write_latents(
    directory: Path,
    rows: Sequence[LatentRow],
    tensors_of: Callable[[LatentRow], ClipTensors],
    clips_per_shard: int,
) -> list[LatentRow]:
    """Write the shards and the index; ``rows`` come without a shard name and are returned with it, by clip id.

    ``tensors_of`` is called once per clip and the clips of one shard are held at a time. The bytes depend on the rows
    and tensors only.
    """
    by_id = {row.clip_id: row for row in rows}
    written: list[LatentRow] = []
    for clip_ids in assign_shards(list(by_id), clips_per_shard):
        shard = write_shard(directory, {clip_id: tensors_of(by_id[clip_id]) for clip_id in clip_ids})
        written += [by_id[clip_id].model_copy(update={"shard": shard}) for clip_id in clip_ids]
    written.sort(key=lambda row: row.clip_id)
    write_index(directory / INDEX, written)
    return written


def write_index(path: Path, rows: Sequence[LatentRow]) -> None:
    """Write the index table, in the given order."""
    fields = LatentRow.model_fields
    types = {str: pl.String, int: pl.Int64, float: pl.Float64}
    schema = {name: types[field.annotation] for name, field in fields.items() if field.annotation in types}
    frame = pl.DataFrame([row.model_dump() for row in rows], schema=schema)
    frame.write_parquet(path, compression="zstd", statistics=False)


def read_index(path: Path) -> list[LatentRow]:
    """The rows of an index table."""
    return [LatentRow.model_validate(row) for row in pl.read_parquet(path).iter_rows(named=True)]


def write_encoders(directory: Path, codec: DctCodec, text_encoder: HashedTextEncoder) -> None:
    """Write what a reader needs to decode the latents and to encode more text."""
    save_codec(directory, codec)
    save_text_encoder(directory, text_encoder)
