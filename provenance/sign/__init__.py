"""Makes the C2PA manifest and signs it with your key."""
