"""The APIs that the proxy knows, one a module; what it does not know, it treats by `interface`."""
