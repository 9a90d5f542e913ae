# What an image of this board freezes: the start-up, and the client that tries it from inside.
include("$(BOARD_DIR)/manifest.py")
module("boot.py", base_path="../../../../firmware")
module("main.py", base_path="../../../../firmware")
module("board.py")
module("trial.py")
module("trial_requests.py")
