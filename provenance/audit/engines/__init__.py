"""What works through the shards of an audit: this machine, or a cluster."""
