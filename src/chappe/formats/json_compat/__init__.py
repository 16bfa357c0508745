"""JSON Schemas compared: what a change of schema means for data that exists."""
