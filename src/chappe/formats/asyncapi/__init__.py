"""AsyncAPI documents: written from the registry's endpoints, and read into them."""
