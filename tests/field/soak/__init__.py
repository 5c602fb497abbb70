"""`make soak`: steady edits on both sides with faults; nothing may grow."""
