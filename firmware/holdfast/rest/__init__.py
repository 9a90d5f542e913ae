"""IN WHOSE LANGUAGE: our own REST API, for what VAPIX has no words for. Pure translation."""
