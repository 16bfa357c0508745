"""One module per data flow; strangers to each other."""
