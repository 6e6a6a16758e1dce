// What this browser remembers. A browser may refuse to: then the page works without a memory.

export function recall(key) {
  try {
    return localStorage.getItem(`pq-${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`pq-${key}`, value);
  } catch {
    // See above.
  }
}
