# What `make emulator` freezes: the firmware, this board, and the client that tries it from inside.
include("$(BOARD_DIR)/manifest.py")
package("holdfast", base_path="../../../../firmware")
module("boot.py", base_path="../../../../firmware")
module("main.py", base_path="../../../../firmware")
module("board.py")
module("trial.py")
module("trial_requests.py")
