"""Pages, charts and pictures of what was found."""
