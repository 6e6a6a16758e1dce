// The live page: the feed and the crowd of a node, drawn for a room. The node knows no page: everything here is made from frames.

import { ask, connect } from "./feed.js";
import { COPIED, CRASHED, Crowd, HELD, badge, colourOf } from "./crowd.js";
import { browser } from "./memory.js";
import { Rail, number, time } from "./rail.js";
import { Replay } from "./replay.js";
import { Side, clock, element } from "./side.js";
import { Orders } from "./orders.js";
import { drawQr } from "./qr.js";

const at = (id) => document.getElementById(id);
const BEATS = 300;
const FLASH_MS = 4_000;
const LABEL_MS = 5_000;
const ORDERS_MS = 4_000;
const LABELS_MAX = 4;

const page = {
  reading: null,
  noun: ["avatar", "avatars"],
  beats: [],
  lastInstall: undefined,
  isLive: false,
  labels: new Map(),
};

const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
// Slow motion that begins by itself is motion that nobody has asked for.
if (reduced) at("slow").checked = false;
const crowd = new Crowd(at("dots"), { reduced });
const rail = new Rail(at("rail"));
const replay = new Replay(crowd, rail, at("replay"), { over: showInstall });
const side = new Side(crowd, { chosen: ring, shown: () => orders.draw() });
const orders = new Orders({
  chosen: () => (crowd.live[side.place] && !(crowd.live[side.place] & CRASHED) ? { pid: side.last?.pid, name: at("name").textContent } : null),
  noun: () => page.noun[0],
  ended: () => past(false),
});

connect({
  line(state) {
    page.isLive = state === "open";
    document.body.dataset.line = state;
    at("line").textContent = page.isLive ? "live" : "the line is lost; trying again";
    if (!page.isLive) {
      replay.close();
      page.lastInstall = undefined;
      page.beats = [];
    } else {
      past(false);
      orders.refresh();
    }
  },
  hello(hello) {
    page.noun = hello.noun;
    page.module = hello.module;
    rail.many = hello.noun[1];
    at("living-word").textContent = hello.noun[1];
    at("crowd-title").textContent = `All ${hello.noun[1]}`;
    at("dots").setAttribute("aria-label", `One dot for each ${hello.noun[0]}. Arrow keys choose one, Enter opens its card.`);
    side.hello(hello);
    at("join").disabled = !hello.web_port;
  },
  reading(reading, events, atMs) {
    const before = page.reading;
    page.reading = reading;
    beat(reading, atMs);
    truths();
    note(events);
    if (!before || before.node.release !== reading.node.release || before.node.release_name !== reading.node.release_name) {
      at("release-name").textContent = reading.node.release_name;
      document.title = `${reading.node.release_name} live`;
      orders.refresh();
    }
    install(reading);
  },
  dots(dots) {
    crowd.dots(dots);
    legend();
  },
  changes(changes) {
    crowd.changes(changes, performance.now());
  },
});

requestAnimationFrame(draw);
function draw(now) {
  crowd.tick(now);
  replay.tick(now);
  legend();
  requestAnimationFrame(draw);
}
setInterval(() => page.reading && truths(), 1_000);
// Packages and releases also change by commands.
setInterval(() => !document.hidden && orders.refresh(), ORDERS_MS);

// ---- the three truths ----

function truths() {
  const { node, shards, connections } = page.reading;
  at("living").textContent = number(crowd.living);
  at("uptime").textContent = clock(Date.now() - node.since_unix_ms);
  at("restarts").textContent = number(Object.values(shards).reduce((sum, shard) => sum + shard.restarts, 0));
  at("dropped").textContent = number(connections.dropped);
  at("dropped-card").classList.toggle("bad", connections.dropped > 0);
  at("open").textContent = number(connections.open);
}

let drawn = "";
function legend() {
  const figures = crowd.figures();
  const key = JSON.stringify([figures, crowd.versions, crowd.target, document.documentElement.dataset.theme, crowd.isReplay]);
  if (key === drawn) return;
  drawn = key;
  const items = crowd.versions.map((vsn, index) => [badge(crowd.own(index + 1)), vsn, figures.byVersion[index + 1]]);
  items.push([badge(1, COPIED), "copied", figures.copied], [badge(1, HELD), "held", figures.held], [badge(1, CRASHED), "crashed", figures.crashed]);
  at("legend").replaceChildren(
    ...items.map(([mark, text, count], index) => {
      const item = element("li", "", count || index < crowd.versions.length ? "" : "none");
      item.append(mark, element("span", text), element("b", number(count)));
      return item;
    }),
  );
  const running = crowd.versions.map((vsn, index) => ({ vsn, number: crowd.own(index + 1), count: figures.byVersion[index + 1] })).filter(({ count }) => count > 0);
  at("versions").replaceChildren(
    ...running.flatMap(({ vsn, number: of }, index) => {
      const text = element("span", vsn);
      text.style.color = colourOf(of);
      return index ? [element("i", " → "), text] : [text];
    }),
  );
  const share = at("share");
  share.replaceChildren(
    ...running.map(({ number: of, count }) => {
      const part = element("span", "", of % 2 ? "dotted" : "");
      part.style.flexGrow = String(count);
      part.style.setProperty("--own", colourOf(of));
      return part;
    }),
  );
  share.setAttribute("aria-label", running.map(({ vsn, count }) => `${count} run ${vsn}`).join(", "));
}

// ---- the heartbeat ----

function beat(reading, atMs) {
  const messages = Object.values(reading.shards).reduce((sum, shard) => sum + shard.messages, 0);
  const last = page.beats.at(-1);
  if (last && atMs <= last.atMs) return;
  const now = { atMs, messages, late: [...(reading.lateness.counts ?? [])], cpu: reading.node.cpu_us ?? 0 };
  page.beats.push(now);
  if (page.beats.length > BEATS) page.beats.shift();
  const from = page.beats.findLast((old) => old.atMs <= atMs - 1_000) ?? page.beats[0];
  const span = (atMs - from.atMs) / 1_000;
  if (span > 0) {
    now.rate = (messages - from.messages) / span;
    at("rate").textContent = number(now.rate);
    at("cpu").textContent = `${Math.round(((now.cpu - from.cpu) / 1e4) / span)} %`;
  }
  const longer = page.beats.findLast((old) => old.atMs <= atMs - 5_000) ?? page.beats[0];
  at("late").textContent = quantile(now.late, longer.late);
  at("memory").textContent = `${number((reading.node.memory_bytes ?? 0) / 1_048_576)} MiB`;
  const pause = reading.last_install?.pause_us?.max;
  at("pause").textContent = pause === undefined ? "none" : time(pause);
  drawBeat();
}

/// The bound of the bucket with the 99th of 100 durations since another reading; buckets double from 250 ns (server/histogram).
function quantile(counts, before) {
  const own = counts.map((count, bucket) => count - (before[bucket] ?? 0));
  const all = own.reduce((sum, count) => sum + count, 0);
  if (all <= 0) return "–";
  let seen = 0;
  const bucket = own.findIndex((count) => (seen += count) >= all * 0.99);
  const us = 0.25 * 2 ** bucket;
  return us <= 1 ? "< 1 µs" : `< ${time(us)}`;
}

function drawBeat() {
  const canvas = at("beat");
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (!width || !height) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const rates = page.beats.map((beat) => beat.rate ?? 0);
  const most = Math.max(1, ...rates) * 1.15;
  const x = (index) => width - ((page.beats.length - 1 - index) * width) / (BEATS - 1);
  context.clearRect(0, 0, width, height);
  context.beginPath();
  rates.forEach((rate, index) => context.lineTo(x(index), height - (rate / most) * (height - 4)));
  context.strokeStyle = style.getPropertyValue("--good");
  context.lineWidth = 2 * scale;
  context.stroke();
  context.lineTo(width, height);
  context.lineTo(x(0), height);
  context.globalAlpha = 0.2;
  context.fillStyle = style.getPropertyValue("--good");
  context.fill();
  context.globalAlpha = 1;
}

// ---- installs ----

function install(reading) {
  const running = reading.install;
  const ended = JSON.stringify(reading.last_install ?? null);
  if (running) {
    if (!page.isInstalling) replay.close();
    page.isInstalling = !running.check;
    const change = running.record.modules?.find(({ module }) => module === page.module);
    const known = change?.to ? crowd.versions.indexOf(change.to) : -1;
    if (!running.check) crowd.aim(known >= 0 ? known + 1 : crowd.versions.length + 1);
    if (!replay.isOn) rail.install(running);
  } else if (page.lastInstall === undefined || ended !== page.lastInstall) {
    const isNew = page.lastInstall !== undefined && reading.last_install;
    if (!replay.isOn) showInstall();
    if (isNew) {
      flash(reading.last_install);
      past(at("slow").checked);
    }
  } else if (!replay.isOn && page.isInstalling !== undefined) showInstall();
  if (!running) page.isInstalling = undefined;
  page.lastInstall = ended;
}

function showInstall() {
  const { last_install: record, node } = page.reading ?? {};
  if (!node) return;
  if (page.reading.install) rail.install(page.reading.install);
  else if (record) rail.report(record);
  else {
    const many = page.noun[1];
    rail.idle(node.release, many[0].toUpperCase() + many.slice(1));
  }
}

/// Says how long all were held: shorter than a frame, so it is written, not only drawn.
function flash(record) {
  const hold = record.phases.findLast(({ phase }) => phase === "hold");
  const text = record.failure ? `${record.to} failed: nothing has changed` : hold ? `${number(crowd.living)} ${page.noun[1]} held ${time(hold.took_us)}` : "";
  if (!text) return;
  at("flash").textContent = text;
  at("flash").hidden = false;
  clearTimeout(page.flashing);
  page.flashing = setTimeout(() => (at("flash").hidden = true), FLASH_MS);
}

/// Shows the past installs, and replays the last one slowly if asked for.
async function past(isSlow) {
  let installs;
  try {
    installs = await ask("/live/installs");
  } catch {
    return;
  }
  page.installs = installs;
  at("strip").replaceChildren(
    ...installs.map((install) => {
      const item = element("li");
      const button = element("button", "", install.is_done ? "done" : "failed");
      button.type = "button";
      button.disabled = !install.replay;
      button.title = install.result;
      const when = install.when.slice(11, 16);
      button.append(element("b", `${install.is_done ? "✓" : "↶"} ${install.from ?? "?"} → ${install.to ?? "?"}`), element("span", `${when}, ${install.took_ms} ms${install.is_done ? "" : ", failed"}`));
      button.addEventListener("click", () => play(install.id, false));
      item.append(button);
      return item;
    }),
  );
  if (isSlow && installs[0]?.replay && !page.reading?.install) play(installs[0].id, true);
}

async function play(id, isSlow) {
  try {
    const recording = await replay.load(id);
    if (recording.sampled > 0) replay.begin(recording, isSlow);
  } catch (error) {
    orders.tell(String(error.message));
  }
}

// ---- the chosen avatar, and marks on dots ----

/// Names a dot for some seconds.
function label(place, text) {
  if (page.labels.size >= LABELS_MAX || crowd.isReplay) return;
  const mark = element("span", text);
  at("marks").append(mark);
  page.labels.set(mark, place);
  setTimeout(() => {
    page.labels.delete(mark);
    mark.remove();
  }, LABEL_MS);
  ring();
}

/// Names the dot of a process that was started again, if it is one of the crowd.
async function livesAgain(pid) {
  if (page.labels.size >= LABELS_MAX) return;
  try {
    const [found] = await ask(`/live/find/${encodeURIComponent(pid)}`);
    if (found) label(found.place, `${found.name ?? found.pid} lives again`);
  } catch {
    // Without an answer there is no label.
  }
}

function ring() {
  for (const [mark, place] of page.labels) {
    const { x, y, size } = crowd.middle(place);
    const isRight = x > at("field").clientWidth * 0.7;
    mark.className = isRight ? "left" : "";
    Object.assign(mark.style, { left: `${isRight ? x - size : x + size}px`, top: `${y}px` });
  }
  const mark = at("ring");
  const place = side.place;
  mark.hidden = place < 0 || place >= crowd.shown.length || crowd.isReplay;
  if (mark.hidden) return;
  const { x, y, size } = crowd.middle(place);
  const wide = Math.max(16, size + 8);
  Object.assign(mark.style, { left: `${x - wide / 2}px`, top: `${y - wide / 2}px`, width: `${wide}px`, height: `${wide}px` });
}
setInterval(ring, 250);

at("dots").addEventListener("click", ({ clientX, clientY }) => {
  const place = crowd.placeAt(clientX, clientY);
  if (place >= 0 && !crowd.isReplay && crowd.live[place]) side.choose(place);
});

at("dots").addEventListener("keydown", (event) => {
  const step = { ArrowRight: crowd.rows, ArrowLeft: -crowd.rows, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" && side.place >= 0) at("tab-one").focus();
  if (!step || crowd.isReplay) return;
  event.preventDefault();
  const from = side.place < 0 ? 0 : side.place + step;
  if (crowd.live[from]) side.choose(from);
});

/// Says in the line of orders which processes failed and which were started again.
function note(events) {
  for (const { kind, supervisor, name, child, pid, why } of events) {
    const who = name || child || pid;
    if (kind === "failed") orders.tell(`${who} has failed: ${why}`);
    if (kind === "restarted") {
      orders.tell(`${who} was started again as ${pid}`);
      side.restarted(supervisor);
      livesAgain(pid);
    }
    if (kind === "stalled" || kind === "given_up") orders.tell(why || `${who} ends: a child failed too often`);
  }
}

// ---- keys, theme, windows ----

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  at("theme").textContent = theme === "dark" ? "Light" : "Dark";
  browser.remember("theme", theme);
  drawn = "";
  crowd.layOut();
  drawBeat();
}

const wished = new URLSearchParams(location.search).get("theme") ?? browser.recall("theme");
setTheme(["dark", "light"].includes(wished) ? wished : matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
at("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

function join() {
  if (!side.door) return;
  drawQr(at("qr"), side.door);
  at("where").textContent = side.isReachable ? side.door : `${side.door} – only this machine reaches it. Start the node with --bind 0.0.0.0 for a room.`;
  at("wall").showModal();
}
at("join").addEventListener("click", join);
at("help").addEventListener("click", () => at("keys").showModal());

const keys = {
  "/": () => at("find").focus(),
  1: () => side.open("one"),
  2: () => side.open("tree"),
  3: () => side.open("play"),
  q: join,
  h: () => at("keys").showModal(),
  t: () => at("theme").click(),
  r: () => page.installs?.[0]?.replay && play(page.installs[0].id, false),
  Escape: () => replay.close(),
};
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, dialog, iframe");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

new ResizeObserver(() => {
  crowd.layOut();
  ring();
}).observe(at("field"));
