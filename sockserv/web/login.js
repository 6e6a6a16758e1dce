// The remembered login: with the player's consent the server gives this browser a token, which stands for the word of a hero.
//
//   the box is checked while a word is typed ─► PQ.Remember ─► PQ.Token {name, token, until} ─► kept in this browser
//   Char.Login.Default ─► a token is kept ─► Char.Login.Credentials, with the token in place of the word
//   forget ─► PQ.Forget {name, token}, and nothing is kept
//
// The word itself is never kept. A new word of the hero ends all its tokens.
"use strict";

const KEPT = "login";

// The answers to a login by which the token is known to be worth nothing.
const IS_OVER = ["That is not its word.", "No hero has this name."];

class Login {
  #box;
  #row;
  #tell;
  // Whether a kept login is used for the next session.
  isAsked = true;

  constructor(box, row, tell) {
    [this.#box, this.#row, this.#tell] = [box, row, tell];
    document.getElementById("forget").addEventListener("click", () => this.#forgets());
    this.#show();
  }

  // The kept login; null for none.
  get known() {
    try {
      return JSON.parse(browserMemory.recall(KEPT));
    } catch {
      return null;
    }
  }

  // The box for the consent is there while a word is typed.
  mayAsk(isSecret) {
    this.#row.hidden = !isSecret;
    if (!isSecret) this.#box.checked = false;
  }

  // A word is being sent.
  asks() {
    if (this.#box.checked) this.#tell("PQ.Remember");
  }

  // The server takes logins.
  offers() {
    const { known, isAsked } = this;
    this.isAsked = true;
    if (!known || !isAsked) return;
    this.#tell("PQ.Remember");
    this.#tell(`Char.Login.Credentials ${JSON.stringify({ account: known.name, password: known.token })}`);
  }

  answered({ success, message }) {
    if (!success && IS_OVER.includes(message)) this.#drop();
  }

  keep({ name, token, until }) {
    browserMemory.remember(KEPT, JSON.stringify({ name, token, until }));
    this.#show();
  }

  #forgets() {
    const { known } = this;
    if (known) this.#tell(`PQ.Forget ${JSON.stringify({ name: known.name, token: known.token })}`);
    this.#drop();
  }

  #drop() {
    browserMemory.forget(KEPT);
    this.#show();
  }

  #show() {
    const { known } = this;
    document.getElementById("known").hidden = !known;
    if (!known) return;
    const until = new Date(known.until * 1_000).toLocaleDateString(undefined, { dateStyle: "medium" });
    document.getElementById("knows").textContent = `This browser leads back to ${known.name} until ${until}.`;
  }
}
