"""The bridge between real systems written by others: `make test-real`. Not collected by pytest."""
