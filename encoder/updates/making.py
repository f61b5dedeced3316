"""How a consumer of updates is made, when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.updates.records import MAX_SCAN
from webcapd.encoder.updates.spec import UpdateSpec, VideoSettings

if TYPE_CHECKING:
    from webcapd.encoder.updates.consumer import UpdateConsumer
    from webcapd.encoder.updates.state.sent import SentPicture


def make_picture(
    encoder: TileEncoder, subsampling: str, longest: int, width: int, height: int
) -> SentPicture:
    """Make the picture that readers have; ``longest`` bounds the scans of its JPEG records."""
    from webcapd.encoder.updates.state.grid import TileGrid
    from webcapd.encoder.updates.state.scans import Scans
    from webcapd.encoder.updates.state.sent import SentPicture

    grid = TileGrid(width, height, subsampling)
    return SentPicture(grid, Scans(grid, encoder, longest))


class UpdateFactory:
    """Makes consumers of updates, which share what they encode JPEG with."""

    def __init__(
        self,
        encoder: TileEncoder,
        subsampling: str,
        rest: int,
        calm: float,
        wake: Callable[[], None],
        video: VideoSettings | None = None,
    ) -> None:
        """Prepare.

        ``rest`` is the quality of what has not changed for ``calm`` seconds; ``wake`` tells the
        encoder thread, from any thread, of new demand; ``video`` is how videos are encoded, None
        if there are to be none.
        """
        self._encoder, self._subsampling = encoder, subsampling
        self._rest, self._calm, self._wake = rest, calm, wake
        self._video = video

    def __call__(self, spec: UpdateSpec, number: int) -> UpdateConsumer:
        """Make one whose states are counted on from a number."""
        # Loaded for who asks for updates: it is a good part of all there is to load.
        from webcapd.encoder.updates.consumer import UpdateConsumer
        from webcapd.encoder.updates.video.filming import Filming

        subsampling = "gray" if spec.view.gray else self._subsampling

        make_sent = partial(make_picture, self._encoder, subsampling, MAX_SCAN)
        rest = spec.quality or self._rest
        filming = Filming(self._video if spec.video else None, self._calm)
        return UpdateConsumer(spec, make_sent, rest, self._calm, self._wake, number, filming)
