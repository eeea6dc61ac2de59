"""What an attester serves over HTTP."""
