# What every image of rp2 has frozen in, without micropython-lib: Debian's package has none.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
