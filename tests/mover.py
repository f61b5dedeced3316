"""A program that moves a window as fast as an X server lets it; run with a display and an id.

    mover.py DISPLAY WINDOW WIDTH MOVES_A_SECOND

It moves the window to and fro along the x axis until its standard input ends, and
then says how many moves there were, and in how many seconds the server did them.
"""

import itertools
import select
import struct
import sys
import time

from Xlib.display import Display

_CONFIGURE_WINDOW, _WORDS, _X = 12, 4, 1

_AT_ONCE = 250


def main() -> None:
    name, window, width, rate = sys.argv[1], *map(int, sys.argv[2:])
    display = Display(name)
    requests = [
        struct.pack("=BxHIHxxi", _CONFIGURE_WINDOW, _WORDS, window, _X, x)
        for x in [*range(width), *range(width, 0, -1)]
    ]
    endless = itertools.cycle(requests)
    began, moves = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        display.display.socket.sendall(b"".join(itertools.islice(endless, _AT_ONCE)))
        moves += _AT_ONCE
        time.sleep(max(0.0, began + moves / rate - time.monotonic()))
    # python-xlib has not counted along; the server serves one after the other.
    Display(name).sync()
    print(moves, time.monotonic() - began)


if __name__ == "__main__":
    main()
