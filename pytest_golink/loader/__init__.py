"""Whether an image would start on a platform: the loader's own steps, by format and system."""
