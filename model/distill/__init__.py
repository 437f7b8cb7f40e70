"""From the chunk-causal teacher to a few-step student: ODE regression, then self-forcing distribution matching."""
