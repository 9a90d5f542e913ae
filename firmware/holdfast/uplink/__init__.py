"""The heartbeats of other systems: Unifi both ways, Airnode, Pinghome, healthchecks.io."""
