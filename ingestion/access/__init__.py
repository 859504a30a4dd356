"""Access to vendors: one HTTP client, and object stores (S3 and folders)."""
