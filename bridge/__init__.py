"""A sync bridge between two CRM/ERP systems. `app` shows what is built from what; README.md how a change flows."""
