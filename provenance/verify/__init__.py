"""Gathers what is known of a file, and concludes from it."""
