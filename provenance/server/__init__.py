"""Serves the registry to others: the C2PA Soft Binding Resolution API. Needs the extra `server`."""
