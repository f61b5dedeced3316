"""The pointer apart from the picture: numbered images, and where it points in a view."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from functools import lru_cache, partial

from webcapd.base.process.late import cv2, np
from webcapd.capture.overlay import Sprite
from webcapd.capture.picture import Picture
from webcapd.encoder.transform import View
from webcapd.encoder.updates import records
from webcapd.encoder.updates.pointer import Sprite as Image
from webcapd.encoder.updates.pointer import pointer_record
from webcapd.encoder.updates.state.latest import HIDDEN, PointerPlace

_IMAGES = 63

Size = tuple[int, int]


class Pointing:
    """Gives images numbers, the longest unseen one's to a new one.  Encoder thread only."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._images: OrderedDict[Hashable, PointerPlace] = OrderedDict()
        """By what they show, without a place; the longest unseen first."""
        self._made = 0
        # A pointer mostly rests.
        self._placed = lru_cache(1)(partial(placed, view))

    def place(self, picture: Picture) -> PointerPlace:
        """Give what shows the pointer of a picture, as a view of that shows it."""
        pointer, screen = picture.pointer, (picture.width, picture.height)
        if pointer is None:
            return HIDDEN
        key = (pointer.image.identity, pointer.hot_spot, screen)
        image = self._images.get(key) or self._new(pointer, screen)
        self._images[key] = image
        self._images.move_to_end(key)
        spot = pointer.area.x + pointer.hot_spot[0], pointer.area.y + pointer.hot_spot[1]
        x, y = self._placed(spot, screen)
        return image._replace(place_record=records.pointer(image.image, x, y))

    def _new(self, pointer: Sprite, screen: Size) -> PointerPlace:
        self._made += 1
        number = len(self._images) + 1
        if number > _IMAGES:
            number = self._images.popitem(last=False)[1].image
        image, hot_spot = seen(self._view, pointer, screen)
        record = pointer_record(number, hot_spot, image)
        return PointerPlace(number, self._made, record, b"")


def placed(view: View, spot: tuple[int, int], screen: Size) -> tuple[int, int]:
    """Give where a pixel of the screen, or beside it, is in what a view shows."""
    rows, columns = view.scaled_rows_and_columns(*screen)
    row, column = spot[1] * rows // screen[1], spot[0] * columns // screen[0]
    # It takes no memory: one row of numbers, or one column, stands for all.
    shape = rows, columns
    row_of = view.arrange(np.broadcast_to(np.arange(rows, dtype=np.int64)[:, None], shape))
    column_of = view.arrange(np.broadcast_to(np.arange(columns, dtype=np.int64), shape))
    down, right = row - int(row_of[0, 0]), column - int(column_of[0, 0])
    # How one step down and one to the right in the view go over the screen.
    turned = replace(view, crop=None)
    some = [turned.arrange(one).astype(int).tolist() for one in np.indices((2, 2), np.uint8)]
    step_down = [one[1][0] - one[0][0] for one in some]
    step_right = [one[0][1] - one[0][0] for one in some]
    return (
        step_right[0] * down + step_right[1] * right,
        step_down[0] * down + step_down[1] * right,
    )


def seen(view: View, pointer: Sprite, screen: Size) -> tuple[Image, tuple[int, int]]:
    """Give a pointer's image as a view shows it, and which of its pixels points."""
    image = _grey(pointer.image.pixels) if view.gray else pointer.image.pixels
    height, width = image.shape[:2]
    rows, columns = view.scaled_rows_and_columns(*screen)
    size = max(1, width * columns // screen[0]), max(1, height * rows // screen[1])
    if size != (width, height):
        # Mixed with alpha, colours may be averaged.
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    x = min(max(0, pointer.hot_spot[0]) * size[0] // width, size[0] - 1)
    y = min(max(0, pointer.hot_spot[1]) * size[1] // height, size[1] - 1)
    turned = replace(view, crop=None)
    spot = np.zeros(image.shape[:2], bool)
    spot[y, x] = True
    ((y, x),) = np.argwhere(turned.arrange(spot.view(np.uint8))).tolist()
    return np.ascontiguousarray(turned.arrange(image)), (x, y)


def _grey(image: Image) -> Image:
    """Take the colour from an image; mixed with alpha, it may be weighed like any."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    return np.dstack((grey, grey, grey, image[..., 3]))
