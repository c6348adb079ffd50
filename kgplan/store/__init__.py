"""What lies on disk: versioned results, and files replaced whole."""
