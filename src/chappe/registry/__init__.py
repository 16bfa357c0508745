"""What is declared: pure state and transactions."""
