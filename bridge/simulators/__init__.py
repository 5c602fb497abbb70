"""Local stand-ins for the products the bridge talks to.

They import nothing of the rest of the bridge, so that one misreading of a vendor's documentation cannot hide in two
places.
"""
