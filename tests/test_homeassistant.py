"""Home Assistant without a URL for still images: it wants much before it looks at any of it."""

import asyncio

import aiohttp
import mjpeg
from resting import KEEPALIVE, is_full_of, resting

# What it is (components/mjpeg/camera.py, helpers/httpx_client.py): whole blocks of this
# size, from which the first picture is cut, within 10 s.
BLOCK = 102400
AGENT = "HomeAssistant/2026.11.1 httpx/0.28.1 Python/3.13"


def test_still_image_comes_from_the_stream_in_time() -> None:
    async def still_image(url: str) -> bytes:
        async with (
            # No keepalive comes to help.
            asyncio.timeout(KEEPALIVE - 1),
            aiohttp.ClientSession(headers={"User-Agent": AGENT}) as session,
            session.get(url) as response,
        ):
            block = await response.content.readexactly(BLOCK)
            end, start = block.find(b"\xff\xd9"), block.find(b"\xff\xd8")
            return block[start : end + 2]

    with resting() as scene:
        jpeg = asyncio.run(still_image(f"{scene.program.url}?stream"))
        assert is_full_of(scene.colour, mjpeg.decode(jpeg))
