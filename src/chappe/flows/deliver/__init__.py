"""Event out: from the log to the sinks, at least once.

`shard` owns one shard: reads it, matches, moves its lanes and writes its cursors. `dispatch` serves
all shards of a node: it tries the sinks and settles. `recorder` keeps the delivery log.
"""
