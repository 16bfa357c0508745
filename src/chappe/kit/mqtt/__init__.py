"""A client of MQTT 3.1.1 and MQTT 5 on asyncio: packets, what their reason codes say, a connection."""
