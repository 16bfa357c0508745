"""Tools for asyncio that could be a library of their own."""
