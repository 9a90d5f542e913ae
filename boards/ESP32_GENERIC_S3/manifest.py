# What a MicroPython build freezes to carry the firmware and this board (FROZEN_MANIFEST).
include("$(PORT_DIR)/boards/manifest.py")  # the board itself has none
package("holdfast", base_path="../../firmware")
module("boot.py", base_path="../../firmware")
module("main.py", base_path="../../firmware")
module("board.py")
