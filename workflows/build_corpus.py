"""Raw videos to latent shards."""

from workflows.registration import registered

build_corpus = registered("build_corpus", "ingest", "latents")
