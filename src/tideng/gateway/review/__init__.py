"""Rules see, policy decides: a submission becomes findings, findings become a verdict. Pure."""
