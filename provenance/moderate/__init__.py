"""Checks prompts before generating and pictures after; whatever goes wrong blocks."""
