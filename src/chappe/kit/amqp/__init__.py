"""A client of AMQP 1.0 on asyncio: Qpid Proton's protocol engine, our sockets. Needs chappe[amqp]."""
