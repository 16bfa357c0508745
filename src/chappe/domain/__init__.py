"""What is true: pure values and decisions. No I/O, no clock, no logging."""
