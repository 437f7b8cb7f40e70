"""Released checkpoints as they lie on the Hub, put together to a pipeline: backbone, VAE, text models, refiner."""
