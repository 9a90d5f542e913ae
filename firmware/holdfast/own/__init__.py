"""IN WHOSE LANGUAGE: our own, for what VAPIX has no words for. Pure translation."""
