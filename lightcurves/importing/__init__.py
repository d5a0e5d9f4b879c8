"""Takes files of light curves into the store, each once."""
