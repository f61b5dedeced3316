// Where there is no SharedWorker: the pages of a browser elect one whose hub serves all.
//
// Messages over a BroadcastChannel: { seek: me }, answered by the leader with { lead: me, to };
// { from, to, data } between a member and the leader; { gone: leader }.  Of two that lead at once,
// the one with the higher number gives up.

import { Hub } from "./hub.js";

/** How long an answer of a leader is waited for. */
const ANSWER_MS = 400;

/**
 * Give a port to the hub of whoever leads, and what says that the page goes away.
 * @param {string} name of the channel
 * @returns {{ port: MessagePort, gone: () => void }}
 */
export function elect(name) {
  const { port1, port2 } = new MessageChannel();
  const candidate = new Candidate(name, port1);
  return { port: port2, gone: () => candidate.leave() };
}

class Candidate {
  #me = Math.floor(Math.random() * 2 ** 48);
  #channel;
  #port;
  /** Who leads; null while nobody is known to. */
  /** @type {number | null} */
  #leader = null;
  /** Our hub, as long as we lead. */
  /** @type {Hub | null} */
  #hub = null;
  /** Members that our hub serves: what it posts to them goes over the channel. */
  /** @type {Map<number, { postMessage: (data: unknown) => void }>} */
  #members = new Map();
  /** What our page last joined, to be said again to the next leader. */
  /** @type {string | null} */
  #joined = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} name
   * @param {MessagePort} port towards our own page
   */
  constructor(name, port) {
    this.#port = port;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    port.onmessage = ({ data }) => this.#say(data);
    this.#seek();
  }

  leave() {
    this.#say({ leave: true });
  }

  #seek() {
    this.#leader = null;
    this.#channel.postMessage({ seek: this.#me });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lead(), ANSWER_MS * (1 + Math.random()));
  }

  #lead() {
    this.#leader = this.#me;
    this.#hub = new Hub();
    this.#channel.postMessage({ lead: this.#me });
    if (this.#joined !== null) this.#hub.take(this.#port, { join: this.#joined });
  }

  /**
   * Take a message of our own page.
   * @param {import("./hub.js").ToHub} data
   */
  #say(data) {
    if (data.join !== undefined) this.#joined = data.join;
    if (data.leave) this.#joined = null;
    if (this.#hub) this.#hub.take(this.#port, data);
    else if (data.join !== undefined) this.#seek();
    else if (this.#leader !== null) this.#send(this.#leader, data);
    // A page that looks at nothing leads nobody: hidden tabs are slowed down.
    if (data.leave) this.#resign();
  }

  /**
   * @param {number} to
   * @param {unknown} data
   */
  #send(to, data) {
    this.#channel.postMessage({ from: this.#me, to, data });
  }

  #resign() {
    clearTimeout(this.#timer);
    if (!this.#hub) return;
    for (const port of [this.#port, ...this.#members.values()]) this.#hub.leave(port);
    this.#members.clear();
    this.#hub = this.#leader = null;
    this.#channel.postMessage({ gone: this.#me });
  }

  /** @param {{ seek?: number, lead?: number, gone?: number, from?: number, to?: number, data?: any }} message */
  #hear({ seek, lead, gone, from, to, data }) {
    if (seek !== undefined && this.#hub) this.#channel.postMessage({ lead: this.#me, to: seek });
    else if (lead !== undefined) this.#follow(lead);
    else if (gone !== undefined && gone === this.#leader && this.#joined !== null) this.#seek();
    else if (to === this.#me && from !== undefined) {
      if (from === this.#leader) this.#port.postMessage(data);
      else this.#hub?.take(this.#member(from), data);
    }
  }

  /** @param {number} leader */
  #follow(leader) {
    if (leader === this.#leader) return;
    if (this.#hub && leader > this.#me) {
      this.#channel.postMessage({ lead: this.#me });
      return;
    }
    this.#resign();
    clearTimeout(this.#timer);
    this.#leader = leader;
    if (this.#joined !== null) this.#send(leader, { join: this.#joined });
  }

  /** @param {number} number */
  #member(number) {
    const known = this.#members.get(number);
    if (known) return known;
    const member = { postMessage: (/** @type {unknown} */ data) => this.#send(number, data) };
    this.#members.set(number, member);
    return member;
  }
}
