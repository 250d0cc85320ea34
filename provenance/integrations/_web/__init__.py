"""What the ASGI and the WSGI middleware share: everything but how bytes come and go."""
