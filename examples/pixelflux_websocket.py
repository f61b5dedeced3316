#!/usr/bin/env python3
"""Show $DISPLAY in a browser by pixelflux's API of 1.2.2: stripes of H.264, or JPEG, by WebSocket.

Needs websockets, and PyAV for H.264:
pixelflux_websocket.py [--jpeg] [HTTP-PORT [WEBSOCKET-PORT]]      then open http://localhost:9001/
"""

import asyncio
import contextlib
import http.server
import sys
import threading

import websockets

from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture, StripeCallback

PAGE = """<!doctype html><title>Screen</title>
<style>body { margin: 0; background: #333 } canvas { position: absolute; left: 0 }</style>
<script>
const stripes = {};
function stripe(y) {
  if (!stripes[y]) {
    const canvas = document.body.appendChild(document.createElement("canvas"));
    canvas.style.top = y + "px";
    stripes[y] = { canvas, last: Promise.resolve() };
  }
  return stripes[y];
}
function paint({ canvas }, picture, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}
function still(y, jpeg) {
  const at = stripe(y), bitmap = createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  at.last = at.last.then(() => bitmap).then((it) => paint(at, it, it.width, it.height));
}
function video(y, isKey, frame, data) {
  const at = stripe(y);
  if (isKey && at.decoder?.state !== "configured") {
    at.decoder = new VideoDecoder({
      output: (it) => paint(at, it, it.displayWidth, it.displayHeight),
      error: console.error,
    });
    const sps = data.findIndex((_, i) => data[i] === 1 && (data[i + 1] & 31) === 7) + 2;
    const profile = [...data.slice(sps, sps + 3)].map((b) => b.toString(16).padStart(2, "0"));
    at.decoder.configure({ codec: "avc1." + profile.join(""), optimizeForLatency: true });
  }
  if (at.decoder?.state === "configured") at.decoder.decode(
    new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: frame, data }));
}
const socket = new WebSocket(`ws://${location.hostname}:WEBSOCKET-PORT`);
socket.binaryType = "arraybuffer";
addEventListener("pagehide", () => socket.close());
socket.onmessage = ({ data }) => {
  const head = new DataView(data);
  if (head.getUint8(0) === 3) still(head.getUint16(4), data.slice(6));
  else video(head.getUint16(4), head.getUint8(1) > 0, head.getUint16(2), new Uint8Array(data, 10));
};
</script><body></body>"""

arguments = [one for one in sys.argv[1:] if one != "--jpeg"]
HTTP_PORT, WEBSOCKET_PORT = (*map(int, arguments), 9001, 9000)[:2] if arguments else (9001, 9000)

settings = CaptureSettings()
settings.capture_width = 1920  # Or as large as the screen is.
settings.capture_height = 1080
settings.capture_x = 0
settings.capture_y = 0
settings.target_fps = 60.0
settings.capture_cursor = True
settings.output_mode = 0 if "--jpeg" in sys.argv else 1
settings.h264_crf = 25
settings.h264_fullcolor = False
settings.h264_fullframe = False
settings.use_paint_over_quality = True
settings.paint_over_trigger_frames = 15
settings.damage_block_threshold = 10
settings.damage_block_duration = 30
settings.watermark_location_enum = 0


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGE.replace("WEBSOCKET-PORT", str(WEBSOCKET_PORT)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Viewer:
    """The one client that is served at a time, and what waits to be sent to it."""

    def __init__(self):
        self.loop, self.busy = asyncio.get_running_loop(), asyncio.Lock()
        self.queue = asyncio.Queue()
        self.callback = StripeCallback(self.on_stripe)
        self.capture = ScreenCapture()

    def on_stripe(self, result, user_data):
        """Wait for room, in the capture's thread: what comes next is then the screen as of then."""
        head = b"\x03\x00" if result.type == 1 else b""
        waiting = self.queue.put(head + result.data)
        asyncio.run_coroutine_threadsafe(waiting, self.loop).result()

    async def send(self, client):
        while True:
            stripe = await self.queue.get()
            with contextlib.suppress(websockets.ConnectionClosed):
                await client.send(stripe)

    async def serve(self, client):
        # Who comes while another watches waits; so does a page that is loaded again.
        async with self.busy:
            self.queue = asyncio.Queue(maxsize=4)
            # Until the capture has ended, which may wait for room.
            sending = asyncio.create_task(self.send(client))
            try:
                await self.loop.run_in_executor(
                    None, self.capture.start_capture, settings, self.callback
                )
                await client.wait_closed()
            finally:
                await self.loop.run_in_executor(None, self.capture.stop_capture)
                sending.cancel()


async def main():
    viewer = Viewer()
    server = http.server.ThreadingHTTPServer(("localhost", HTTP_PORT), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    async with websockets.serve(viewer.serve, "localhost", WEBSOCKET_PORT, compression=None):
        print(f"open http://localhost:{HTTP_PORT}/", flush=True)
        await viewer.loop.create_future()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
