"""The bridge between real systems that nobody here wrote: `make test-real`. Not collected by pytest."""
