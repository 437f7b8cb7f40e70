"""Codec adaptation, then Table 7, stages 1 to 4."""

from workflows.registration import registered

train_progressive = registered("train_progressive", "vae_adaptation", "quality_sft")
