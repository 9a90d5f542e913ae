# What an image of this board freezes (FROZEN_MANIFEST); the application is in a file of its own.
include("$(BOARD_DIR)/manifest.py")
module("boot.py", base_path="../../firmware")
module("main.py", base_path="../../firmware")
module("board.py")
