"""Commands. Each writes its requests into the store, or reads from it; the daemon acts. `main` has the entry point."""
