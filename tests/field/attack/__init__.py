"""`make attack`: strangers, forgers and hostile vendors against a running bridge, bounded in time and seeded."""
