"""The sample shop of `chappe dev --demo`."""
