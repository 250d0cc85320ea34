"""Finds lines of text and judges whether they are gibberish."""
