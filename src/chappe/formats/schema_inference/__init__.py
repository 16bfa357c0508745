"""A first JSON Schema for payloads that nobody has described, drafted from samples of them."""
