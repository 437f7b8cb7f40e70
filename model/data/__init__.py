"""Reading and writing of encoded clips: what the training loop draws its batches from."""
