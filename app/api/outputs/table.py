"""Which output is made by what."""

from typing import Any, Literal, get_args

from webcapd.app.api.error import Error
from webcapd.app.api.tap import Maker
from webcapd.app.commandline import Options
from webcapd.app.engine import Engine

PixelOutput = Literal["raw", "bgr", "rgb", "gray", "i420", "nv12"]
"""Outputs that are a Frame."""

CodedOutput = Literal["jpeg", "updates", "h264"]
"""Outputs that are a Packet."""

_PIXELS = get_args(PixelOutput)
_CODED = get_args(CodedOutput)


def check_output(output: object) -> None:
    """See that there is such an output; raises Error."""
    if output not in (*_PIXELS, *_CODED):
        raise Error(f"there is no output {output!r}; there are {', '.join((*_PIXELS, *_CODED))}")


def make_maker(output: str, lends: bool, options: Options, engine: Engine) -> Maker[Any]:
    """Make what makes an output; with ``lends``, raw frames are not copied.  Raises Error.

    Each is loaded when it is first wanted.
    """
    if output == "jpeg":
        from webcapd.app.api.outputs.jpeg import JpegMaker

        return JpegMaker(engine)
    if output == "updates":
        from webcapd.app.api.outputs.updates import UpdatesMaker

        return UpdatesMaker(engine)
    if output == "h264" and not options.encoder.h264_fullframe:
        from webcapd.app.api.outputs.stripes import StripesMaker

        return StripesMaker(options.encoder, engine.encoder.wake)
    if output == "h264":
        from webcapd.app.api.outputs.h264 import H264Maker

        return H264Maker(options.encoder)
    from webcapd.app.api.outputs.pixels import FrameMaker

    return FrameMaker(output, lends)
