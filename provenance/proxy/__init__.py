"""A reverse proxy before any server of generated pictures. Needs the extra `server`."""
