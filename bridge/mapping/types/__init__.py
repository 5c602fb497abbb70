"""The types of fields, one module for each family. `registry.make_kind` makes the type that a field rule names."""
