"""Real images, changed on purpose, read by golink and judged by the kernel and the loaders themselves."""
