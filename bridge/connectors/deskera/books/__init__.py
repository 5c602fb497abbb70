"""Deskera Books: contacts, products, sales invoices, bills, credit and debit notes.

The code (C-0000004, SI-0000001) is the id of a Books record: reads use it, and other records refer to it. Updates and
deletes use a numeric id, which the record just read contains.
"""
