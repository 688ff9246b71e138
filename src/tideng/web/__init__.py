"""The shell of every page: layout, sign-in, roles, language, assets. Knows nothing of any product."""
