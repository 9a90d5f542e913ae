"""The life of one document: the settings, from a text to what is in force."""
