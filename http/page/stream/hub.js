// One connection for all pages of a browser that show the same: browsers open but six to a server.
//
// Members send  { join: address }, { leave: true }, { ack: number }, { retry: true }.
// They receive  { block, number, begins }: whole records of the stream, to be acknowledged once
// painted, and whether a response begins with them; and  { link }: the state of the connection.

import { CacheConnection } from "../cache/cacheconnection.js";
import { Connection } from "./connection.js";

/** @import { Link } from "./retrying.js" */

/** @typedef {{ block?: Uint8Array, number?: number, begins?: boolean, link?: Link }} FromHub */
/** @typedef {{ join?: string, leave?: boolean, ack?: number, retry?: boolean }} ToHub */
/** @typedef {{ postMessage: (message: FromHub) => void }} Port */

/** Who has taken nothing for so long (a frozen tab) is not waited for ... */
const PATIENCE_MS = 2000;
/** ... and then let go; it joins again when it wakes. */
const STUCK_MS = 8000;
const WATCH_MS = 500;
/** Newcomers within this time share one new beginning. */
const GATHER_MS = 50;

class Member {
  /** The newest block that it has painted. */
  acked = 0;
  /** When it was not behind, or painted something, last. */
  behindSince = performance.now();
  /** Whether it has been sent the beginning of a response: it can read nothing before. */
  hasBegun = false;

  /** @param {Port} port */
  constructor(port) {
    this.port = port;
  }
}

/** The members of one address, and their connection. */
class Channel {
  /** @type {Map<Port, Member>} */
  members = new Map();
  #number = 0;
  /** Blocks not yet painted by all: their numbers, and what waits for that. */
  /** @type {{ number: number, resolve: () => void }[]} */
  #unpainted = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #gathering;
  #connection;
  #watch = setInterval(() => this.#letGoOfStuck(), WATCH_MS);
  /** Whether anything has been sent that a newcomer lacks. */
  #hasBegun = false;

  /** @param {string} address */
  constructor(address) {
    const isUpdates = new URL(address).search.startsWith("?updates");
    this.#connection = new (isUpdates ? Connection : CacheConnection)(
      address,
      (block, begins) => this.#send(block, begins),
      (link) => this.#broadcast({ link }),
    );
  }

  /** @param {Port} port */
  join(port) {
    const member = new Member(port);
    member.acked = this.#number;
    this.members.set(port, member);
    port.postMessage({ link: this.#connection.link });
    if (!this.#hasBegun) return;
    // The picture is kept nowhere but where it is shown: it comes anew for all.
    clearTimeout(this.#gathering);
    this.#gathering = setTimeout(() => this.#connection.restart(), GATHER_MS);
  }

  /** @param {Port} port */
  leave(port) {
    this.members.delete(port);
    this.#settle();
  }

  retry() {
    if (this.#connection.link.state === "down") this.#connection.retry();
  }

  close() {
    clearTimeout(this.#gathering);
    clearInterval(this.#watch);
    this.#connection.stop();
  }

  /**
   * @param {Port} port
   * @param {number} number
   */
  ack(port, number) {
    const member = this.members.get(port);
    if (!member) return;
    member.acked = number;
    member.behindSince = performance.now();
    this.#settle();
  }

  /** @param {FromHub} message */
  #broadcast(message) {
    for (const { port } of this.members.values()) port.postMessage(message);
  }

  /**
   * Send a block to all; settles when all have painted it.
   * @param {Uint8Array} block
   * @param {boolean} begins
   * @returns {Promise<void>}
   */
  #send(block, begins) {
    this.#hasBegun = true;
    const number = ++this.#number;
    for (const member of this.members.values()) {
      if (member.acked === number - 1) member.behindSince = performance.now();
      member.hasBegun ||= begins;
      if (member.hasBegun) member.port.postMessage({ block, number, begins });
      else member.acked = number;
    }
    return new Promise((resolve) => {
      this.#unpainted.push({ number, resolve });
      this.#settle();
    });
  }

  #letGoOfStuck() {
    for (const [port, member] of this.members) {
      const isBehind = member.acked < this.#number;
      if (isBehind && performance.now() - member.behindSince > STUCK_MS) this.members.delete(port);
    }
    this.#settle();
  }

  #settle() {
    const now = performance.now();
    const awaited = [...this.members.values()].filter(
      ({ acked, behindSince }) => acked === this.#number || now - behindSince < PATIENCE_MS,
    );
    const all = Math.min(this.#number, ...awaited.map(({ acked }) => acked));
    while (this.#unpainted.length && this.#unpainted[0].number <= all) {
      this.#unpainted.shift()?.resolve();
    }
  }
}

export class Hub {
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** @type {Map<Port, string>} */
  #joined = new Map();

  /**
   * Take a message of a member.
   * @param {Port} port
   * @param {ToHub} message
   */
  take(port, message) {
    const channel = this.#channels.get(this.#joined.get(port) ?? "");
    if (message.join !== undefined) this.#join(port, message.join);
    else if (message.leave) this.leave(port);
    else if (message.retry) channel?.retry();
    else if (message.ack !== undefined) channel?.ack(port, message.ack);
  }

  /**
   * @param {Port} port
   * @param {string} address
   */
  #join(port, address) {
    this.leave(port);
    const channel = this.#channels.get(address) ?? new Channel(address);
    this.#channels.set(address, channel);
    this.#joined.set(port, address);
    channel.join(port);
  }

  /** @param {Port} port */
  leave(port) {
    const address = this.#joined.get(port) ?? "";
    const channel = this.#channels.get(address);
    this.#joined.delete(port);
    channel?.leave(port);
    if (!channel || channel.members.size) return;
    channel.close();
    this.#channels.delete(address);
  }
}
