"""Images in, faces and embeddings out."""
