"""The causal streaming decoder of LTX-2 latents: chunk by chunk with a typed cache, equal to decoding all at once."""
