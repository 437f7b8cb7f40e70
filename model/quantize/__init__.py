"""Four-bit and eight-bit number formats, emulated exactly on any device."""
