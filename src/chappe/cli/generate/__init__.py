"""Code of other languages, made from schemas by tools of others."""
