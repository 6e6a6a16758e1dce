// One session over any number of connections: when a WebSocket breaks, another one goes on where it stopped.
//
//   open ─► PQ.Resume: a ticket ─► frames, counted ─┬─► it breaks ─► a pause ─► a connection with the ticket and the count ─► …
//                                                   └─► it is closed for a reason ─► over
//
// The other end is src/entrance/web/resume.rs. The ticket is kept for this tab, so that the page can be loaded anew.
"use strict";

const PROTOCOL = "gmcp.mudstandards.org";

// The time for which the page tries to come back. The server keeps a session for two minutes; a remembered login leads back later, too.
const PATIENCE_MS = 120_000;
const PATIENCE_WITH_LOGIN_MS = 3_600_000;

// The pause between two attempts: the first and the longest.
const PAUSES_MS = [250, 8_000];

// A connection that was asleep and answers nothing for so long is dead.
const PROBE_MS = 4_000;

// The frames that are sent again if they did not arrive.
const UNSAID_MAX = 32;

const TICKET = "ticket";

class Session {
  #on;
  #socket;
  #ticket = tabMemory.recall(TICKET) ?? "";
  // The numbers of the last frames that were received and sent.
  #heard = 0;
  #said = 0;
  #unsaid = [];
  // Whether this page has seen the beginning of its session.
  #isWhole = false;
  #isReader = false;
  // The time after which the page gives up; 0 while it is connected.
  #until = 0;
  #attempts = 0;
  #timer;
  #probe;

  constructor(on) {
    this.#on = on;
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#wake());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open(isReader) {
    this.#isReader = isReader;
    const address = new URL(`/ws?resume=yes${isReader ? "&reader=screen" : ""}`, location.href.replace(/^http/, "ws"));
    const wish = this.#ticket ? [`resume.${this.#ticket}.${this.#heard}`] : [];
    const mine = new WebSocket(address, [PROTOCOL, ...wish]);
    const connection = { isReturn: wish.length > 0, wasOpen: false };
    this.#socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onmessage = ({ data }) => mine === this.#socket && this.#receive(data, connection);
    mine.onclose = (why) => mine === this.#socket && this.#closed(why, connection);
  }

  // Ends the session.
  leave() {
    const socket = this.#socket;
    this.#forget();
    socket?.close(1000);
  }

  // A secret is not kept: if it is lost, the server asks again.
  send(data, isSecret = false) {
    if (!this.isOpen) return;
    this.#socket.send(data);
    this.#said += 1;
    if (isSecret) return;
    this.#unsaid.push({ number: this.#said, data });
    if (this.#unsaid.length > UNSAID_MAX) this.#unsaid.shift();
  }

  #receive(data, connection) {
    clearTimeout(this.#probe);
    if (typeof data === "string" && data.startsWith("PQ.Resume ")) {
      connection.wasOpen = true;
      return this.#resumed(JSON.parse(data.slice(10)), connection.isReturn);
    }
    this.#heard += 1;
    if (typeof data === "string") this.#on.heard(data);
    else this.#on.told(new Uint8Array(data));
  }

  #resumed({ ticket, number, taken }, isReturn) {
    const isNew = !isReturn || !this.#isWhole;
    const lost = isNew ? 0 : number - this.#heard;
    const again = isNew ? [] : this.#unsaid.filter((frame) => frame.number > taken);
    [this.#ticket, this.#heard, this.#said, this.#unsaid] = [ticket, number, taken, []];
    [this.#isWhole, this.#until, this.#attempts] = [true, 0, 0];
    tabMemory.remember(TICKET, ticket);
    if (isNew) this.#on.begins();
    if (lost > 0) this.#on.missing(lost);
    again.forEach(({ data }) => this.send(data));
    this.#on.opened();
  }

  #closed({ code, reason }, { isReturn, wasOpen }) {
    const isBroken = [1001, 1006].includes(code);
    if (isReturn && !wasOpen && !isBroken) {
      // The session is over. A remembered login leads to its hero.
      const wasReloaded = !this.#isWhole;
      this.#forget();
      if (wasReloaded || this.#on.hasLogin()) return this.open(this.#isReader);
      return this.#on.over(reason);
    }
    if (!isBroken || !(wasOpen || isReturn || this.#until)) {
      this.#forget();
      return this.#on.over(reason || (wasOpen ? "the connection was lost" : "the server does not answer"));
    }
    this.#comeBack();
  }

  #comeBack() {
    const patience = this.#on.hasLogin() ? PATIENCE_WITH_LOGIN_MS : PATIENCE_MS;
    this.#until ||= Date.now() + patience;
    if (Date.now() > this.#until) {
      this.#forget();
      return this.#on.over("the server does not answer");
    }
    const [first, longest] = PAUSES_MS;
    // A part of it is random: pages that a restart has cut off do not come back in one moment.
    const pause = Math.min(first * 2 ** this.#attempts, longest) * (1 + Math.random());
    this.#attempts += 1;
    this.#socket = null;
    this.#on.waits();
    this.#timer = setTimeout(() => this.open(this.#isReader), pause);
  }

  // The network is there again, or the page is looked at again: a pause is over, and a connection has to show that it lives.
  #wake() {
    if (this.#until && !this.#socket) {
      clearTimeout(this.#timer);
      return this.open(this.#isReader);
    }
    if (!this.isOpen) return;
    const mine = this.#socket;
    this.send("Core.Ping");
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => {
      if (mine !== this.#socket) return;
      mine.close();
      this.#comeBack();
    }, PROBE_MS);
  }

  #forget() {
    clearTimeout(this.#timer);
    clearTimeout(this.#probe);
    [this.#socket, this.#ticket, this.#heard, this.#said, this.#unsaid] = [null, "", 0, 0, []];
    [this.#isWhole, this.#until, this.#attempts] = [false, 0, 0];
    tabMemory.forget(TICKET);
  }
}
