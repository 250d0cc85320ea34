"""Detectors that others have published. Uncalibrated, their answers count for nothing."""
