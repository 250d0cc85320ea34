"""Image and text embeddings: one tower, loaded once, shared by everything that needs one."""
