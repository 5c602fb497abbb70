"""Local simulators of the products that the bridge talks to.

They import nothing from the rest of the bridge. So one misreading of a vendor's documentation cannot hide in two
places.
"""
