// A session in a worker: decoding and drawing keep off the page's main thread.

import { Session } from "./session.js";

const session = new Session((message, transfer = []) => self.postMessage(message, { transfer }));
self.addEventListener("message", ({ data }) => session.take(data));
