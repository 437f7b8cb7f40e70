"""From one image, a prompt and a camera path to a video, with a checkpoint that was loaded once."""
