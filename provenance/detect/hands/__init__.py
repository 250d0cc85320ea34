"""Finds hands and judges whether they are malformed."""
