"""What the pixels suggest: tells with a box on the picture, and a detector of generated imagery."""
