"""The experiments of papers: what was published, what we find, and how far the two are apart."""
