// Sessions in a worker, by number: decoding and drawing keep off the page's main thread.

import { Session } from "./session.js";

/** @type {Map<number, Session>} */
const sessions = new Map();

self.addEventListener("message", ({ data: { id, message } }) => {
  if (!message) {
    sessions.get(id)?.close();
    sessions.delete(id);
    return;
  }
  let session = sessions.get(id);
  if (!session) {
    session = new Session((told, transfer = []) => self.postMessage({ id, message: told }, { transfer }));
    sessions.set(id, session);
  }
  session.take(message);
});
