"""The authors' training layout: zips of latents and of JSON, cameras, scores and captions beside them."""
