# A Pico without a radio, whose lwIP talks to itself.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_PY_LWIP ON)
set(MICROPY_BOARD_PINS "${CMAKE_SOURCE_DIR}/boards/RPI_PICO/pins.csv")
