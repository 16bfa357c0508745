"""Protocol Buffers' own compiler, in a helper process with limits."""
