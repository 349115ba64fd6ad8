"""The model behind HTTP and a command line."""
