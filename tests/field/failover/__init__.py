"""`make failover`: several instances on PostgreSQL, while its primary dies, connections are cut and instances die."""
