"""XML Schema 1.0: schemas read, compared and checked with nothing fetched and nothing opened."""
