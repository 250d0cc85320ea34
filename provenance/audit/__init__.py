"""Audits datasets: how much of it is synthetic, and which pictures. Needs the extra `audit`."""
