"""Tasks of the corpus_synth group."""
