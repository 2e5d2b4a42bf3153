"""Keys, what they seal, and the secret transform of the search space."""
