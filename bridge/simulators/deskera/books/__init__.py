"""Books of the simulated organisation: contacts, products, sales invoices, bills, credit and debit notes, stock."""
