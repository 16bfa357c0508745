"""`make demo`: this repository's own history through a hub, to two sinks, in some seconds."""
