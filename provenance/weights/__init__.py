"""Finds, fetches and checks the weights of models: pinned, hashed, never pickled."""
