"""Encryption: AES-256-GCM, the key ring, the rotation of the search space."""
