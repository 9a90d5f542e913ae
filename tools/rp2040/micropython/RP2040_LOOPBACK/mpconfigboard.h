// A Pico without a radio, with network; what is left of its flash for files is 848 KB.
#define MICROPY_HW_BOARD_NAME "RP2040 in an emulator"
#define MICROPY_HW_FLASH_STORAGE_BYTES (848 * 1024)
#define MICROPY_PY_NETWORK (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "holdfast"
