# What a MicroPython build freezes to carry the firmware and this board (FROZEN_MANIFEST).
include("$(BOARD_DIR)/manifest.py")
package("holdfast", base_path="../../firmware", opt=3)
module("boot.py", base_path="../../firmware", opt=3)
module("main.py", base_path="../../firmware", opt=3)
module("board.py", opt=3)
