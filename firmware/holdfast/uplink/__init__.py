"""The heartbeats of other systems: Unifi both ways, Airnode, Pinghome, healthchecks.io."""

MARK = "x-snd-eb-heartbeat"  # the header of a Unifi heartbeat, in both directions
