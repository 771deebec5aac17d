"""Would the image start there: the loader's own steps, by format and system."""
