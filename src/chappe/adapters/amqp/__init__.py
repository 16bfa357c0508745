"""Delivery to AMQP 1.0 containers, and reading from them. Needs chappe[amqp]."""
