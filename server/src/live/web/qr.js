// A QR code (ISO/IEC 18004) of a short text: bytes, error correction M, versions 1 to 6.

// By version: code words in all, words of correction in each block, blocks.
const SIZES = [[26, 10, 1], [44, 16, 1], [70, 26, 1], [100, 18, 2], [134, 24, 2], [172, 16, 4]];

// The field GF(256) with the polynomial 0x11d.
const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value <<= 1;
  if (value & 0x100) value ^= 0x11d;
}
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

/// The correction words of a block.
function correction(block, count) {
  let generator = [1];
  for (let power = 0; power < count; power++) {
    const next = [...generator, 0];
    generator.forEach((factor, at) => (next[at + 1] ^= times(factor, EXP[power])));
    generator = next;
  }
  const rest = [...block, ...new Array(count).fill(0)];
  for (let at = 0; at < block.length; at++) {
    const lead = rest[at];
    if (lead) generator.forEach((factor, by) => (rest[at + by] ^= times(factor, lead)));
  }
  return rest.slice(block.length);
}

/// The words of a text in the order of the symbol, for the smallest version in which it fits.
function encode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = SIZES.findIndex(([all, each, blocks]) => bytes.length + 2 <= all - each * blocks) + 1;
  if (version === 0) throw new Error("the text is too long for this QR code");
  const [all, each, blocks] = SIZES[version - 1];
  const room = all - each * blocks;
  let bits = "0100" + bytes.length.toString(2).padStart(8, "0");
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  bits += "0".repeat(Math.min(4, room * 8 - bits.length));
  bits += "0".repeat((8 - (bits.length % 8)) % 8);
  const words = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  for (let pad = 0; words.length < room; pad++) words.push(pad % 2 ? 0x11 : 0xec);
  const parts = [];
  const short = Math.floor(room / blocks);
  for (let at = 0, block = 0; block < blocks; block++) {
    const length = short + (block >= blocks - (room % blocks) ? 1 : 0);
    parts.push(words.slice(at, at + length));
    at += length;
  }
  const checks = parts.map((part) => correction(part, each));
  const out = [];
  for (let at = 0; at <= short; at++) for (const part of parts) if (at < part.length) out.push(part[at]);
  for (let at = 0; at < each; at++) for (const check of checks) out.push(check[at]);
  return { version, words: out };
}

const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/// The modules of a text's QR code: rows of booleans, dark is true.
export function qr(text) {
  const { version, words } = encode(text);
  const size = 17 + 4 * version;
  const fixed = Array.from({ length: size }, () => new Array(size).fill(null));
  const put = (x, y, dark) => {
    if (x >= 0 && y >= 0 && x < size && y < size) fixed[y][x] = dark;
  };
  const finder = (left, top) => {
    for (let y = -1; y < 8; y++) {
      for (let x = -1; x < 8; x++) {
        const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
        put(left + x, top + y, ring !== 2 && ring < 4);
      }
    }
  };
  for (let at = 0; at < size; at++) {
    put(6, at, at % 2 === 0);
    put(at, 6, at % 2 === 0);
  }
  if (version > 1) {
    const middle = size - 7;
    for (let y = -2; y < 3; y++) {
      for (let x = -2; x < 3; x++) put(middle + x, middle + y, Math.max(Math.abs(x), Math.abs(y)) !== 1);
    }
  }
  finder(0, 0);
  finder(size - 7, 0);
  finder(0, size - 7);
  const format = (mask) => {
    // Level M is 00; ten bits of a BCH code follow.
    let rest = mask << 10;
    for (let bit = 14; bit >= 10; bit--) if (rest & (1 << bit)) rest ^= 0x537 << (bit - 10);
    const bits = ((mask << 10) | rest) ^ 0x5412;
    const bit = (at) => Boolean((bits >> at) & 1);
    for (let at = 0; at < 6; at++) put(8, at, bit(at));
    put(8, 7, bit(6));
    put(8, 8, bit(7));
    put(7, 8, bit(8));
    for (let at = 9; at < 15; at++) put(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at++) put(size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at++) put(8, size - 15 + at, bit(at));
    put(8, size - 8, true);
  };
  format(0);
  const free = fixed.map((row) => row.map((dark) => dark === null));
  const draw = (mask) => {
    format(mask);
    const rows = fixed.map((row) => row.slice());
    let at = 0;
    for (let right = size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < size; step++) {
        const upward = ((right + 1) & 2) === 0;
        const y = upward ? size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (!free[y][x]) continue;
          const word = words[at >> 3] ?? 0;
          const dark = Boolean((word >> (7 - (at & 7))) & 1);
          rows[y][x] = dark !== (MASKS[mask](x, y) === 0);
          at++;
        }
      }
    }
    return rows;
  };
  const all = MASKS.map((_, mask) => draw(mask));
  return all.reduce((best, rows) => (penalty(rows) < penalty(best) ? rows : best));
}

/// How hard a symbol is to read: long runs, blocks, false finders and imbalance.
function penalty(rows) {
  const size = rows.length;
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  let sum = 0;
  for (const line of [...rows, ...columns]) {
    const text = line.map((dark) => (dark ? "1" : "0")).join("");
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    for (const bad of ["10111010000", "00001011101"]) {
      for (let at = text.indexOf(bad); at >= 0; at = text.indexOf(bad, at + 1)) sum += 40;
    }
  }
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) {
      const dark = rows[y][x];
      if (dark === rows[y - 1][x] && dark === rows[y][x - 1] && dark === rows[y - 1][x - 1]) sum += 3;
    }
  }
  const dark = rows.flat().filter(Boolean).length;
  return sum + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/// Draws a text's QR code on a canvas, dark on light in both themes, with the quiet zone.
export function drawQr(canvas, text) {
  const rows = qr(text);
  const unit = 8;
  canvas.width = canvas.height = (rows.length + 8) * unit;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  rows.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect((x + 4) * unit, (y + 4) * unit, unit, unit)));
}
