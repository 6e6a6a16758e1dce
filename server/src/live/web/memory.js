// What this browser remembers, and its tab. A browser may refuse to: then the page works without a memory.

export const browser = memory(() => localStorage);
export const tab = memory(() => sessionStorage);

/// The storage comes as a function: the access to the storage itself is refused, too.
function memory(storage) {
  const tries = (access) => {
    try {
      return access(storage());
    } catch {
      return null;
    }
  };
  return {
    recall: (key) => tries((it) => it.getItem(`pq-${key}`)),
    remember: (key, value) => tries((it) => it.setItem(`pq-${key}`, value)),
    forget: (key) => tries((it) => it.removeItem(`pq-${key}`)),
  };
}
