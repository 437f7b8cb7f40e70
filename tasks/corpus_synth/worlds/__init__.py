"""The three kinds of world: rooms, terrain, and corridors with a loop."""
