"""Durable credentials: manifests found again by watermark or fingerprint, and the issuance log."""
