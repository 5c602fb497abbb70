"""`make failover`: several instances on PostgreSQL whose primary dies, whose connections are cut, and which die too."""
