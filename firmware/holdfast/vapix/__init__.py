"""IN WHOSE LANGUAGE: Axis VAPIX. Pure translation between requests and the core."""
