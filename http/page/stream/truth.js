// Whether what is shown is live, and if not, why, since when, and what comes next.
//
// Pure: facts and a time in, a verdict out.  Nothing but "live" and "unchanged" may be shown in
// full colour.

import { asSentence } from "./sentence.js";

/** @import { Link } from "./retrying.js" */
/** @import { DisplayState } from "./records.js" */

/**
 * What is known; times in ms since 1970.
 * @typedef {object} Facts
 * @property {number} proven when the whole picture was known to be true last; 0: not since it
 *   was asked for, the connection was cut, or the display came back
 * @property {boolean} shown whether there is any picture, however old
 * @property {number} heard when the server was heard of last
 * @property {number} changed when the picture changed last
 * @property {number} lag seconds that the picture is behind
 * @property {Link | null} link
 * @property {DisplayState | null} display
 * @property {number | null} paused since when somebody holds the picture
 * @property {number | null} hidden since when the page is hidden, and has let go
 * @property {number} began when the page began to wait for the picture
 */
/**
 * @typedef {object} Verdict
 * @property {"live" | "unchanged" | "connecting" | "lost" | "offline" | "silent" | "late" | "paused"} state
 * @property {boolean} live
 * @property {string} word
 * @property {string} sentence
 * @property {number | null} since
 * @property {number | null} retryAt
 */

/**
 * Give what is known at first: nothing.
 * @returns {Facts}
 */
export function noFacts() {
  const now = Date.now();
  const unknown = { link: null, display: null, paused: null, hidden: null };
  return { proven: 0, shown: false, heard: now, changed: now, lag: 0, began: now, ...unknown };
}

/** The server sends something each second; so long without a word is no accident. */
export const SILENCE_MS = 3500;
/** Out of caches a word comes each 5 s, and later by what caches hold it. */
const CACHE_SILENCE_MS = 9000;
/** A picture that is later than this is not called live. */
const LATE_SECONDS = 3;
/** A change this recent needs no mention of rest. */
const REST_MS = 2000;

/**
 * @param {Facts} facts
 * @param {number} now
 * @returns {Verdict}
 */
export function judge(facts, now) {
  const bad =
    pause(facts) ?? offline(facts) ?? silent(facts, now) ?? lost(facts) ?? old(facts, now) ?? late(facts, now);
  if (bad) return bad;
  const rest = now - facts.changed;
  const isAtRest = rest >= REST_MS;
  return {
    state: isAtRest ? "unchanged" : "live",
    live: true,
    word: "Live",
    sentence: isAtRest ? `unchanged for ${duration(rest)}` : "",
    since: null,
    retryAt: null,
  };
}

/**
 * @param {Verdict["state"]} state
 * @param {string} word
 * @param {string} sentence
 * @param {number | null} since
 * @param {number | null} [retryAt]
 * @returns {Verdict}
 */
function not(state, word, sentence, since, retryAt = null) {
  return { state, live: false, word, sentence, since, retryAt };
}

/**
 * @param {Facts} facts
 * @returns {Verdict | null}
 */
function pause({ paused, hidden }) {
  if (paused !== null) return not("paused", "Paused", "The picture is held.", paused);
  if (hidden !== null) return not("paused", "Not watching", "The page was hidden.", hidden);
  return null;
}

/**
 * @param {Facts} facts
 * @returns {Verdict | null}
 */
function offline({ link, proven, shown, began }) {
  if (link?.state === "down") {
    return not("offline", refusal(link.status), link.reason, link.since, link.retryAt);
  }
  if (proven) return null;
  const sentence = shown ? "The picture is being fetched again." : "Waiting for the first picture.";
  return not("connecting", "Connecting", sentence, shown ? began : null);
}

/**
 * Say in a word what a server's answer means; a proxy's 502 to 504 that there is no server.
 * @param {number} status
 */
function refusal(status) {
  if (status === 401 || status === 403) return "No access";
  return status >= 400 && status < 500 ? "Refused" : "No connection";
}

/** @param {Link | null} link */
const silenceOf = (link) => (link?.way === "cache" ? CACHE_SILENCE_MS : SILENCE_MS);

/**
 * Others may have the picture begin anew; what is shown is as true as before, for a while.
 * @param {Facts} facts
 * @param {number} now
 * @returns {Verdict | null}
 */
function old({ proven, link }, now) {
  if (now - proven < silenceOf(link)) return null;
  return not("connecting", "Connecting", "The picture is being fetched again.", proven);
}

/**
 * @param {Facts} facts
 * @param {number} now
 * @returns {Verdict | null}
 */
function silent({ heard, link }, now) {
  if (now - heard < silenceOf(link)) return null;
  return not("silent", "Silent", "No word comes from the server.", heard);
}

/**
 * @param {Facts} facts
 * @returns {Verdict | null}
 */
function lost({ display }) {
  if (!display || display.state === "live") return null;
  const since = display.since === null ? null : 1000 * display.since;
  return not("lost", "Display lost", sentenceOf(display.reason), since);
}

/**
 * @param {Facts} facts
 * @param {number} now
 * @returns {Verdict | null}
 */
function late({ lag }, now) {
  if (lag < LATE_SECONDS) return null;
  const why = `The picture is ${duration(1000 * lag)} behind: the line or this device is too slow.`;
  return not("late", "Late", why, now - 1000 * lag);
}

/** @param {string | null} reason */
function sentenceOf(reason) {
  if (!reason) return "The server gets no picture of the display.";
  return asSentence(reason);
}

/**
 * Say how long something is, in one unit.
 * @param {number} ms
 * @returns {string}
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
