"""The training of one stage: noise levels, optimizer, step, loop and the held-out objective."""
