# What an image of this board freezes (FROZEN_MANIFEST); the application is in a file of its own.
include("$(PORT_DIR)/boards/manifest.py")  # the board itself has none
module("boot.py", base_path="../../firmware")
module("main.py", base_path="../../firmware")
module("board.py")
