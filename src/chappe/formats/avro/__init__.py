"""Avro: schemas, payloads in both encodings, and which schema reads what another wrote."""
