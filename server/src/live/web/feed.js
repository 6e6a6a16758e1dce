// The line to the node: a WebSocket whose text is the feed (a snapshot, then JSON merge patches) and whose binary frames are the
// crowd. server/feed describes both. The line is made again for as long as the page is open.

const RETRY_MS = [300, 600, 1_000, 2_000];

/// Changes a value as a JSON merge patch says (RFC 7396).
export function merge(to, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const out = to !== null && typeof to === "object" && !Array.isArray(to) ? to : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete out[key];
    else out[key] = merge(out[key], change);
  }
  return out;
}

/// Reads a frame of the crowd.
export function frame(buffer) {
  const head = new DataView(buffer);
  const count = head.getUint32(20, true);
  const textLength = head.getUint32(24, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 32, textLength)).trim();
  const body = 32 + textLength;
  const common = {
    at: head.getFloat64(8, true),
    spanMs: head.getUint32(16, true) / 1_000,
    versions: text ? JSON.parse(text).versions : null,
  };
  if (head.getUint8(0) === 1) return { ...common, codes: new Uint8Array(buffer.slice(body, body + count)) };
  return {
    ...common,
    places: new Uint32Array(buffer, body, count),
    afterUs: new Uint32Array(buffer, body + 4 * count, count),
    changed: new Uint8Array(buffer, body + 8 * count, count),
  };
}

/// Opens the line. `tell` has one function for each kind of news: line, hello, reading, dots, changes.
export function connect(tell) {
  let state = {};
  let tries = 0;
  const open = () => {
    const address = new URL("/live/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        const dots = frame(data);
        if (dots.codes) tell.dots(dots);
        else tell.changes(dots);
        return;
      }
      const line = JSON.parse(data);
      if (line.hello) {
        tries = 0;
        tell.line("open");
        tell.hello(line.hello);
        return;
      }
      state = line.snapshot ?? merge(state, line.delta);
      tell.reading(state, line.events ?? [], line.at_unix_ms);
    };
    socket.onclose = () => {
      tell.line("lost");
      setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
    };
  };
  open();
}

/// Asks the node a question.
export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}
