"""JSONata in a helper process: whoever subscribes writes expressions, which may never end."""
