"""One module per file format: what its header says, read without touching a pixel.

Each has `probe(data) -> Header`, which raises `UnreadablePicture` for a broken structure. The
headers are read here, and not by Pillow, because size, frames and depth must be known before
anything that may allocate memory sees the file.
"""
