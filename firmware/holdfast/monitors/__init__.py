"""IN WHOSE LANGUAGE: Pinghome's and healthchecks.io's, for monitors. Pure translation."""
