"""What can go wrong, in words for the person at the terminal, and the status a script sees."""

FAILED = 1  # it was tried, and the module or the board did not do it
USAGE = 2  # the command line makes no sense; click's own status, too
UNREACHABLE = 3  # no board there, or nothing answers at the address
BUSY = 4  # somebody else uses the board, or it does not let itself be interrupted
REFUSED = 5  # wrong user or password, or the role does not suffice
STRANGER = 6  # something answers, but it is no Holdfast
UNSUITABLE = 7  # wrong board, or its MicroPython is too old
SETTINGS = 8  # settings that a module would not take
INCONCLUSIVE = 9  # a drill came to its end and proved nothing, of an output or of all
FAULT = 70  # a mistake of this program (EX_SOFTWARE of sysexits.h)
INTERRUPTED = 130  # Ctrl-C, as shells count it


class Problem(Exception):
    """Ends the command: `text` for the person, `status` for the script."""

    def __init__(self, text, status=FAILED):
        super().__init__(text)
        self.text = text
        self.status = status
