"""The pages: each module asks the hub through the client, and gives a view and its template."""
