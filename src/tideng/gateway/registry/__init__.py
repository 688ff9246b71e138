"""Who may send what for whom: customers, principals, mandates, signatures, templates, numbers, consents."""
