// What the page remembers in the browser, and in its tab. A browser may refuse, because its user allows no page to keep data:
// each access throws then, and the page works without a memory.
"use strict";

class Memory {
  #storage;

  // A function: the access to the storage itself is refused, too.
  constructor(storage) {
    this.#storage = storage;
  }

  recall(key) {
    return this.#tries((storage) => storage.getItem(key));
  }

  remember(key, value) {
    this.#tries((storage) => storage.setItem(key, value));
  }

  forget(key) {
    this.#tries((storage) => storage.removeItem(key));
  }

  #tries(access) {
    try {
      return access(this.#storage());
    } catch {
      return null;
    }
  }
}

const browserMemory = new Memory(() => localStorage);
const tabMemory = new Memory(() => sessionStorage);
