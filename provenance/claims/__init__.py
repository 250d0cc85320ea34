"""What a file says of itself, without proof: one module for each family of writers."""
