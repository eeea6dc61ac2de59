"""What posting, committing and finalising took in gas: asked of nodes afterwards, for display alone."""
