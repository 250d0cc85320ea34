"""Pictures in and out: bytes to `Picture`, and `Picture` to bytes.

    bytes -> sniff -> formats (header facts, limits) -> decode -> colour, metadata -> Picture
    Picture -> encode -> EncodedPicture

`decode` is the only door in and `encode` the only door out; everything else here serves them.
What is read, written, kept and dropped is told in docs/pictures.md.
"""
