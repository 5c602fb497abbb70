"""The types of fields, a module per family; `registry.make_kind` makes the one a row names."""
