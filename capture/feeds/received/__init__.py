"""Pictures that come in from elsewhere: sent to us, or fetched by a thread."""
