"""The registry's API over HTTP (xRegistry core/http.md): pure functions from requests to responses."""
