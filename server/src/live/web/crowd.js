// The crowd: one dot for each avatar on a canvas. A version has one colour and one shape everywhere. Dots are copied from small
// pictures into one image, and only dots that have changed are copied, so 100 000 of them cost little.

import { browser } from "./memory.js";

export const COPIED = 0x10;
export const HELD = 0x20;
export const CRASHED = 0x40;
const ACTED = 0x80;
const VERSION = 0x0f;

// Blue and gold first: they stay apart for all kinds of colour blindness.
const DARK = ["#5b9cff", "#ffc233", "#3fd0a4", "#e38cff", "#ff8f5a", "#b9c4dc"];
const LIGHT = ["#1a4fae", "#b04a00", "#0b7a57", "#8a2bb0", "#a3214b", "#4b5570"];
const SHAPES = ["disc", "square", "triangle", "diamond"];
const FRESH_MS = 260;
const FRESH_MAX = 40_000;
const CRASH_MS = 1_800;
const CELL_MAX = 26;

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const isLight = () => document.documentElement.dataset.theme === "light";
const palette = () => (isLight() ? LIGHT : DARK);

/// The colour of a version by its number, from 1.
export const colourOf = (number) => palette()[(number - 1) % palette().length];

/// The shape of a version by its number, from 1.
export const shapeOf = (number) => SHAPES[(number - 1) % SHAPES.length];

/// How much of a point of a cell belongs to a shape; x and y are from -1 to 1, `blur` is the width of half a pixel.
function cover(shape, x, y, blur) {
  const inside = {
    disc: 0.8 - Math.hypot(x, y),
    square: 0.74 - Math.max(Math.abs(x), Math.abs(y)),
    triangle: Math.min(0.72 - y, 0.8 - Math.abs(x) - (0.72 - y) * 0.52),
    diamond: 0.92 - Math.abs(x) - Math.abs(y),
    core: 0.36 - Math.max(Math.abs(x), Math.abs(y)),
    cross: Math.min(0.24 - Math.abs(Math.abs(x) - Math.abs(y)), 0.84 - Math.max(Math.abs(x), Math.abs(y))),
  }[shape];
  return Math.min(1, Math.max(0, inside / (2 * blur) + 0.5));
}

/// The versions in the order in which this browser has seen them.
function remembered() {
  try {
    return JSON.parse(browser.recall("versions")) ?? [];
  } catch {
    return [];
  }
}

const lives = (code) => code !== 0 && !(code & CRASHED);

export class Crowd {
  constructor(canvas, { reduced }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.reduced = reduced;
    this.versions = [];
    this.live = new Uint8Array(0);
    this.shown = this.live;
    this.waiting = [];
    this.fresh = [];
    this.crosses = new Map();
    this.target = 0;
    this.counts = new Uint32Array(256);
    this.isReplay = false;
    this.living = 0;
    this.order = remembered();
    this.layOut();
  }

  /// Takes all dots anew.
  dots({ codes, versions }) {
    this.live = codes;
    this.living = codes.reduce((sum, code) => sum + Number(lives(code)), 0);
    this.versions = versions;
    // Of versions that are new at once the lower ones come first.
    const byNumber = (a, b) => a.localeCompare(b, undefined, { numeric: true });
    [...versions].sort(byNumber).forEach((vsn) => this.own(versions.indexOf(vsn) + 1));
    this.waiting = [];
    this.fresh = [];
    this.crosses.clear();
    if (!this.isReplay) this.show(codes);
  }

  /// Takes changes, which are drawn at their times: the wave runs as it ran, one frame of the feed later.
  changes({ places, afterUs, changed, versions }, now) {
    if (versions) this.versions = versions;
    this.waiting.push({ began: now, places, afterUs, changed, next: 0 });
    // A hidden window draws no frames, and takes everything at once.
    if (document.hidden) this.take(Infinity);
  }

  /// Takes the changes that are due.
  take(now) {
    while (this.waiting.length > 0) {
      const batch = this.waiting[0];
      const { began, places, afterUs, changed } = batch;
      while (batch.next < places.length && began + afterUs[batch.next] / 1_000 <= now) {
        this.set(places[batch.next], changed[batch.next], now);
        batch.next++;
      }
      if (batch.next < places.length) return;
      this.waiting.shift();
    }
  }

  /// Draws what is due.
  tick(now) {
    this.take(now);
    for (const [place, { until }] of this.crosses) {
      if (until > now) continue;
      this.crosses.delete(place);
      if (!this.isReplay) this.paint(place, this.shown[place], true);
      this.fresh.push({ place, until: now + FRESH_MS });
    }
    let old = 0;
    while (old < this.fresh.length && this.fresh[old].until <= now) {
      const { place } = this.fresh[old++];
      this.paint(place, this.shown[place], false);
    }
    if (old > 0) this.fresh.splice(0, old);
    this.flush();
  }

  set(place, code, now) {
    if (code & ACTED) return this.twinkle(place, now);
    if (place >= this.live.length) {
      const grown = new Uint8Array(Math.max(place + 1, this.live.length));
      grown.set(this.live);
      if (this.shown === this.live) this.shown = grown;
      this.live = grown;
      if (!this.isReplay && grown.length > this.columns * this.rows) this.layOut();
    }
    const before = this.live[place];
    this.live[place] = code;
    this.living += Number(lives(code)) - Number(lives(before));
    if (this.isReplay) return;
    this.count(before, code);
    // A supervisor restarts a process within a frame, so the cross stays for people to see; the successor is drawn after it.
    if (code & CRASHED && now < Infinity) this.crosses.set(place, { until: now + CRASH_MS, code });
    if (this.crosses.has(place)) return this.paint(place, this.crosses.get(place).code, false);
    const isNewCode = (before & VERSION) !== (code & VERSION) && code !== 0;
    const isFresh = isNewCode && !this.reduced && now < Infinity && this.fresh.length < FRESH_MAX;
    if (isFresh) this.fresh.push({ place, until: now + FRESH_MS });
    this.paint(place, code, isFresh);
  }

  /// Brightens the dot of an avatar that acts.
  twinkle(place, now) {
    const isDrawn = !this.reduced && !this.isReplay && now < Infinity && this.fresh.length < FRESH_MAX;
    if (!isDrawn || !this.shown[place] || this.crosses.has(place)) return;
    this.fresh.push({ place, until: now + FRESH_MS });
    this.paint(place, this.shown[place], true);
  }

  /// Shows other dots than the live ones; `null` ends that.
  replay(codes) {
    this.isReplay = codes !== null;
    this.fresh = [];
    this.show(codes ?? this.live);
  }

  /// Repaints the dots of a replay that have changed.
  update(codes) {
    for (let place = 0; place < codes.length; place++) {
      if (codes[place] === this.shown[place]) continue;
      this.count(this.shown[place], codes[place]);
      this.shown[place] = codes[place];
      this.paint(place, codes[place], false);
    }
    this.flush();
  }

  show(codes) {
    this.shown = this.isReplay ? codes.slice() : codes;
    this.counts.fill(0);
    for (const code of this.shown) this.counts[code]++;
    this.layOut();
  }

  count(before, code) {
    if (this.counts[before] > 0) this.counts[before]--;
    this.counts[code]++;
  }

  /// The dots that run a version, that are copied, held or crashed, and all that live.
  figures() {
    const figures = { byVersion: new Array(this.versions.length + 2).fill(0), copied: 0, held: 0, crashed: 0, living: 0 };
    this.counts.forEach((count, code) => {
      if (code === 0 || count === 0) return;
      if (code & CRASHED) figures.crashed += count;
      else {
        figures.byVersion[code & VERSION] += count;
        figures.living += count;
        if (code & COPIED) figures.copied += count;
        if (code & HELD) figures.held += count;
      }
    });
    figures.crashed = Math.max(figures.crashed, this.isReplay ? 0 : this.crosses.size);
    return figures;
  }

  /// Chooses the largest whole number of pixels for a dot with which all fit, and draws everything.
  layOut() {
    const box = this.canvas.parentElement;
    const scale = Math.max(1, Math.round(devicePixelRatio * 2) / 2);
    const [width, height] = [Math.max(60, box.clientWidth * scale), Math.max(60, box.clientHeight * scale)];
    const count = Math.max(1, this.shown.length);
    // A dot may be wider than high, so that the crowd fills its box.
    let cell = Math.min(CELL_MAX * scale, Math.ceil(Math.sqrt((width * height) / count)));
    cell = Math.max(2, Math.floor(cell));
    while (cell > 2 && Math.floor(width / cell) * Math.floor(height / cell) < count) cell--;
    this.rows = Math.max(1, Math.min(Math.floor(height / cell), count));
    this.columns = Math.max(1, Math.ceil(count / this.rows));
    this.cell = cell;
    this.wide = Math.max(cell, Math.min(Math.floor(width / this.columns), cell * 2));
    this.scale = scale;
    this.canvas.width = this.columns * this.wide;
    this.canvas.height = this.rows * cell;
    this.canvas.style.width = `${this.canvas.width / scale}px`;
    this.canvas.style.height = `${this.canvas.height / scale}px`;
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    const ground = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
    this.ground = rgb(ground || "#080c18");
    this.pixels.fill(this.pixel(this.ground));
    this.sprites = new Map();
    for (let place = 0; place < this.shown.length; place++) this.paint(place, this.shown[place], false);
    this.dirty = [0, 0, this.canvas.width, this.canvas.height];
    this.flush();
  }

  /// The page's own number of a version, which its colour and shape follow. A browser remembers the numbers, so a version looks the
  /// same before and after a restart of the node.
  own(number) {
    const vsn = this.versions[number - 1];
    if (vsn === undefined) return number;
    const known = this.order.indexOf(vsn);
    if (known >= 0) return known + 1;
    this.order.push(vsn);
    browser.remember("versions", JSON.stringify(this.order.slice(-12)));
    return this.order.length;
  }

  pixel([red, green, blue]) {
    return 0xff000000 | (blue << 16) | (green << 8) | red;
  }

  /// The small picture of a code.
  sprite(code, isFresh) {
    const key = code | (isFresh ? 0x100 : 0);
    const known = this.sprites.get(key);
    if (known) return known;
    const { cell, wide } = this;
    const number = this.own(code & VERSION);
    const layers = [];
    const ink = isLight() ? [20, 24, 40] : [255, 255, 255];
    if (code & CRASHED) layers.push(["cross", rgb(isLight() ? "#c01010" : "#ff5a4d")]);
    else if (code & HELD) layers.push([shapeOf(number), ink]);
    else if (number) {
      const own = rgb(colourOf(number));
      layers.push([shapeOf(number), isFresh ? own.map((part, at) => (part + 2 * ink[at]) / 3) : own]);
      if (code & COPIED) layers.push(["core", this.target ? rgb(colourOf(this.own(this.target))) : ink]);
    }
    const picture = new Uint32Array(wide * cell);
    const isTiny = cell < 4;
    for (let y = 0; y < cell; y++) {
      for (let x = 0; x < wide; x++) {
        let colour = this.ground;
        for (const [shape, own] of layers) {
          const [u, v] = [((x + 0.5 - (wide - cell) / 2) / cell) * 2 - 1, ((y + 0.5) / cell) * 2 - 1];
          // A shape needs room: of tiny dots the odd versions leave a gap below.
          const isIn = shape === "core" ? x === 0 && y === 0 : number % 2 === 0 || y < cell - 1;
          const share = isTiny ? Number(isIn && x < wide - (wide > 2 ? 1 : 0)) : cover(shape, u, v, 1 / cell);
          colour = colour.map((part, at) => part + (own[at] - part) * share);
        }
        picture[y * wide + x] = this.pixel(colour.map(Math.round));
      }
    }
    this.sprites.set(key, picture);
    return picture;
  }

  paint(place, code, isFresh) {
    const { cell, wide, rows, pixels } = this;
    if (place >= rows * this.columns) return;
    const picture = this.sprite(code, isFresh);
    const [left, top] = [Math.floor(place / rows) * wide, (place % rows) * cell];
    const width = this.canvas.width;
    for (let y = 0; y < cell; y++) {
      pixels.set(picture.subarray(y * wide, (y + 1) * wide), (top + y) * width + left);
    }
    const { dirty } = this;
    if (!dirty) this.dirty = [left, top, left + wide, top + cell];
    else {
      if (left < dirty[0]) dirty[0] = left;
      if (top < dirty[1]) dirty[1] = top;
      if (left + wide > dirty[2]) dirty[2] = left + wide;
      if (top + cell > dirty[3]) dirty[3] = top + cell;
    }
  }

  flush() {
    if (!this.dirty) return;
    const [left, top, right, bottom] = this.dirty;
    this.context.putImageData(this.image, 0, 0, left, top, right - left, bottom - top);
    this.dirty = null;
  }

  /// The number of the version that copies have in their middle; 0 for an unknown one.
  aim(number) {
    if (this.target === number) return;
    this.target = number;
    this.layOut();
  }

  /// The place at a point of the page, or -1.
  placeAt(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(clientX - box.left) * this.scale, (clientY - box.top) * this.scale];
    const [column, row] = [Math.floor(x / this.wide), Math.floor(y / this.cell)];
    const place = column * this.rows + row;
    return row >= 0 && row < this.rows && place >= 0 && place < this.shown.length ? place : -1;
  }

  /// The middle of a dot, relative to the box of the canvas, and the size of a dot.
  middle(place) {
    const { cell, wide, rows, scale, canvas } = this;
    const [column, row] = [Math.floor(place / rows), place % rows];
    return {
      x: canvas.offsetLeft + ((column + 0.5) * wide) / scale,
      y: canvas.offsetTop + ((row + 0.5) * cell) / scale,
      size: cell / scale,
    };
  }
}

/// A small drawing of a version's shape for legends and texts.
export function badge(number, extra = 0) {
  const canvas = document.createElement("canvas");
  canvas.className = "badge";
  const size = (canvas.width = canvas.height = 44);
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  const colour = rgb(extra === CRASHED ? (isLight() ? "#c01010" : "#ff5a4d") : extra === HELD ? (isLight() ? "#141828" : "#ffffff") : colourOf(number || 1));
  const shape = extra === CRASHED ? "cross" : shapeOf(number || 1);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [u, v] = [((x + 0.5) / size) * 2 - 1, ((y + 0.5) / size) * 2 - 1];
      const core = extra === COPIED ? cover("core", u, v, 1 / size) : 0;
      const ink = colour.map((part) => part + ((isLight() ? 20 : 255) - part) * core);
      image.data.set([...ink, 255 * cover(shape, u, v, 1 / size)], (y * size + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
