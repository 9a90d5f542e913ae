"""What the module says of itself: product, serial number, firmware.

All of it is true and nothing is borrowed: the brand is Holdfast, not the vendor whose APIs it
speaks.
"""

# The names of basicdeviceinfo.cgi (VAPIX Basic device information), and the same facts as
# attributes of Device.
PROPERTIES = (
    ("Architecture", "architecture"),
    ("Brand", "brand"),
    ("BuildDate", "build_date"),
    ("HardwareID", "hardware_id"),
    ("ProdFullName", "product_full"),
    ("ProdNbr", "product_number"),
    ("ProdShortName", "product_short"),
    ("ProdType", "product_type"),
    ("ProdVariant", "product_variant"),
    ("SerialNumber", "serial"),
    ("Soc", "soc"),
    ("SocSerialNumber", "soc_serial"),
    ("Version", "version"),
    ("WebURL", "web_url"),
)
# What strangers and viewers are not told.
RESTRICTED = ("Architecture", "Soc", "SocSerialNumber")


class Device:
    """The facts as texts. board: the board's module; version, build_date: the firmware's."""

    def __init__(self, board, version, build_date):
        self.brand = "Holdfast"
        self.product_number = board.PRODUCT
        self.product_short = self.product_full = "Holdfast " + board.PRODUCT
        self.product_type = "I/O module"
        self.product_variant = ""
        self.web_url = "about:blank"  # a URL that leads nowhere: there is no address that is ours
        self.serial = board.SERIAL  # the MAC address, 12 upper case hex digits
        self.hardware_id = board.NAME
        self.architecture = board.ARCHITECTURE
        self.soc = board.SOC
        self.soc_serial = board.SOC_SERIAL
        self.version = version
        self.build_date = build_date
