"""Commands. Each requests something through the store, or reads from it; the daemon acts. `main` has the entry
point."""
