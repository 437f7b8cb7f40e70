"""Configuration of the quantize stage; the values are in ``workflows/recipes``."""

from pydantic import Field

from data_contracts.base import Record


class QuantizeConfig(Record):
    """What is measured beside the packing: the velocity at these timesteps, on seeded noise of this latent size."""

    timesteps: list[int] = Field(min_length=1)
    latent_frames: int = Field(ge=1)
    latent_height: int = Field(ge=1)
    latent_width: int = Field(ge=1)
    seed: int = Field(ge=0)
