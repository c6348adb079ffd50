"""How does a learning platform open the explorer for one of its people? As a tool of LTI 1.3."""
