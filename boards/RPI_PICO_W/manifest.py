# What a MicroPython build freezes to carry the firmware and this board (FROZEN_MANIFEST).
include("$(BOARD_DIR)/manifest.py")
package("holdfast", base_path="../../firmware")
module("boot.py", base_path="../../firmware")
module("main.py", base_path="../../firmware")
module("board.py")
