"""The demonstration: the main job from beginning to end, before a newcomer's eyes."""
