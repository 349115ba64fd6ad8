"""From labelled articles to a model folder. Needs the `train` extra."""
