"""Messages, outbox, reports, mailboxes: rows committed together with their ledger entries."""
