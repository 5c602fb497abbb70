"""`make soak`: steady edits on both sides with faults, and whether anything grows."""
