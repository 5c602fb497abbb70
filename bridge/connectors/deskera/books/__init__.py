"""Deskera Books: contacts, products, sales invoices, bills, credit and debit notes.

Books records are known by their code (C-0000004, SI-0000001): reads take it, other records name it. Updates and deletes
take a numeric id, which the record just read carries.
"""
