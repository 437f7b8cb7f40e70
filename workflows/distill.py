"""The streaming student: chunk-causal tuning, ODE regression, self-forcing, refiner, quantization."""

from workflows.registration import registered

distill = registered("distill", "chunk_causal", "quantize")
