// The page of Process Quest: a terminal, an input line, and the messages of the game for programs (GMCP).
//
//   WebSocket ─► binary frames ─► terminal, and the story as plain text for screen readers
//             └► text frames ──► the hero, upgrades, and the visibility of typed text
//   the typed line ─► binary frame; the size of the terminal ─► PQ.Window
//   a broken connection ─► another one, which goes on where that one stopped (session.js)
//
// The style is in play.css, the meaning of the frames in src/entrance/web/speech.rs.
"use strict";

// The number of typed lines that the arrow keys bring back, and of lines kept of the story as text.
const HISTORY_MAX = 100;
const STORY_MAX = 500;

// The time for which the news of an upgrade covers the story: long enough for everybody in a room to look up.
const NEWS_MS = 20_000;

// A resize of the window comes in many steps; the server needs only the last size.
const SETTLE_MS = 200;

// A question has no end of line: after this time a screen reader reads the text so far.
const UNFINISHED_MS = 400;

const at = (id) => document.getElementById(id);
const [banner, choices, ended, form, hero, line, log, plain, typed] =
  ["banner", "choices", "ended", "form", "hero", "line", "log", "plain", "typed"].map(at);

// ---- the terminal ----

const terminal = new Terminal({
  cursorInactiveStyle: "none",
  cursorStyle: "bar",
  disableStdin: true,
  fontFamily: 'ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSize: matchMedia("(max-width: 40rem)").matches ? 13 : 16,
  lineHeight: 1.15,
  scrollback: 5_000,
  theme: {
    background: "#090c18", foreground: "#e6e9f4", cursor: "#090c18", selectionBackground: "#3a4878",
    black: "#141a2e", red: "#ff7a7a", green: "#7fd6a2", yellow: "#f2c14e",
    blue: "#7aa2ff", magenta: "#d5a3ff", cyan: "#6fd8e0", white: "#e6e9f4",
    brightBlack: "#8a93b5", brightRed: "#ff9b9b", brightGreen: "#a3ecc0", brightYellow: "#ffdd8a",
    brightBlue: "#a5c0ff", brightMagenta: "#e6c8ff", brightCyan: "#a0eef4", brightWhite: "#ffffff",
  },
});
const fit = new FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(at("terminal"));

let settling;
new ResizeObserver(() => {
  clearTimeout(settling);
  settling = setTimeout(() => fit.fit(), SETTLE_MS);
}).observe(at("terminal"));
terminal.onResize(tellSize);

function tellSize() {
  tell(`PQ.Window ${JSON.stringify({ columns: terminal.cols, lines: terminal.rows })}`);
}

// ---- the story as text ----

// Commands of a terminal (ECMA-48), and other characters that show nothing.
const UNSEEN = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x09\x0b-\x1f\x7f]/g;

let unfinished = "";
let reading;

function story(text) {
  const lines = (unfinished + text).split("\n");
  unfinished = lines.pop();
  lines.forEach((told) => write(told));
  clearTimeout(reading);
  reading = setTimeout(finish, UNFINISHED_MS);
}

function finish() {
  if (unfinished.replace(UNSEEN, "")) write(unfinished);
  unfinished = "";
}

function write(told, kind = "") {
  const text = told.replace(UNSEEN, "");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const row = document.createElement("div");
  row.textContent = text;
  row.className = kind;
  log.append(row);
  while (log.childElementCount > STORY_MAX) log.firstChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
  if (!kind && text) choices.hidden = !/y\/n/.test(text);
}

// ---- the connection ----

const session = new Session({ begins, opened, told, heard, missing, waits, over, hasLogin: () => Boolean(login.known) });
let decoder;
let hasTyped;
let goodbye;

// A new session begins: nothing is known of it, and the server learns what this page wants.
function begins() {
  decoder = new TextDecoder();
  hasTyped = false;
  goodbye = "";
  tell(`Core.Hello ${JSON.stringify({ client: "Process Quest page", version: "1" })}`);
  tell('Core.Supports.Set ["Char 1","PQ 1"]');
}

function connect() {
  state("connecting", "");
  session.open(plain.getAttribute("aria-pressed") === "true");
}

function opened() {
  state("connected", "open");
  ended.hidden = true;
  form.hidden = false;
  fit.fit();
  tellSize();
  typed.focus();
}

function told(bytes) {
  terminal.write(bytes);
  story(decoder.decode(bytes, { stream: true }));
}

// Frames that the server does not have any more.
function missing(count) {
  finish();
  const text = `[${count} messages are missing here.]`;
  terminal.write(`\r\n${text}\r\n`);
  write(text, "own");
}

function waits() {
  state("coming back", "busy");
}

function over(why) {
  finish();
  state("not connected", "");
  show(true);
  hero.hidden = true;
  choices.hidden = true;
  form.hidden = true;
  ended.hidden = false;
  at("another").hidden = !login.known;
  at("why").textContent = goodbye || `It is over for now: ${why.replace(/\.$/, "")}.`;
  at("again").focus();
}

function state(text, kind) {
  line.textContent = text;
  line.className = `badge ${kind}`;
}

function tell(message) {
  session.send(message);
}

// ---- the remembered login ----

const login = new Login(at("login"), at("remember"), tell);

// ---- typed text ----

const history = [];
let place = 0;

function send(text) {
  if (!session.isOpen) return;
  const isSecret = typed.type === "password";
  if (isSecret) login.asks();
  session.send(new TextEncoder().encode(`${text}\r\n`), isSecret);
  hasTyped = true;
  if (!isSecret) {
    const own = text.replace(UNSEEN, "");
    terminal.write(`\x1b[1;33m${own}\x1b[0m\r\n`);
    finish();
    write(`> ${own}`, "own");
    if (text && text !== history.at(-1)) history.push(text);
    if (history.length > HISTORY_MAX) history.shift();
  }
  place = history.length;
  typed.value = "";
  choices.hidden = true;
  terminal.scrollToBottom();
}

function recall(step) {
  if (typed.type === "password") return;
  place = Math.min(Math.max(place + step, 0), history.length);
  typed.value = history[place] ?? "";
  typed.setSelectionRange(typed.value.length, typed.value.length);
}

// A password is shown as dots, and is not kept in the history.
function show(isShown) {
  typed.type = isShown ? "text" : "password";
  login.mayAsk(!isShown);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(typed.value);
});
choices.addEventListener("click", ({ target }) => {
  if (target.value) send(target.value);
  typed.focus();
});
typed.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step) {
    event.preventDefault();
    recall(step);
  }
});
// A key typed anywhere goes to the input line, and so does a click on the terminal, unless it has marked text to copy.
document.addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey, target }) => {
  const isElsewhere = !["INPUT", "BUTTON"].includes(target.tagName);
  if (key.length === 1 && !ctrlKey && !metaKey && !altKey && isElsewhere) typed.focus();
});
at("terminal").addEventListener("mouseup", () => terminal.hasSelection() || typed.focus());
at("again").addEventListener("click", () => playAgain());
at("another").addEventListener("click", () => {
  login.isAsked = false;
  playAgain();
});

function playAgain() {
  terminal.reset();
  log.replaceChildren();
  connect();
}

plain.addEventListener("click", () => setPlain(plain.getAttribute("aria-pressed") !== "true"));

// The server leaves pictures out only for connections that begin in this mode. A player who has typed already keeps the
// old connection, and with it the hero.
function setPlain(isPlain) {
  plain.setAttribute("aria-pressed", isPlain);
  document.body.classList.toggle("plain", isPlain);
  browserMemory.remember("plain", isPlain);
  log.scrollTop = log.scrollHeight;
  if (session.isOpen && !hasTyped) {
    session.leave();
    playAgain();
  }
}

// ---- messages for programs (GMCP) ----

const MESSAGES = {
  "char.login.default": () => login.offers(),
  "char.login.result": (result) => login.answered(result),
  "pq.token": (token) => login.keep(token),
  "char.name": ({ name, fullname }) => named(fullname ?? name),
  "char.status": (status) => ["level", "gold", "location", "quest"].forEach((key) => fact(key, status[key])),
  "char.vitals": ({ xp, maxxp }) => experienced(xp, maxxp),
  "core.goodbye": (why) => (goodbye = why === "Goodbye." ? "" : why),
  "pq.typing": ({ shown }) => show(shown !== false),
  "pq.upgrade": upgraded,
};

function heard(message) {
  const [name, data] = message.split(/ (.*)/s);
  const handle = MESSAGES[name.toLowerCase()];
  try {
    handle?.(JSON.parse(data || "{}"));
  } catch (error) {
    console.warn("left out:", message, error);
  }
}

function named(name) {
  if (!name) return;
  at("name").textContent = name;
  hero.hidden = false;
  document.title = `${name} – Process Quest`;
}

// A message contains the changed facts; null removes a fact.
function fact(id, value) {
  if (value === undefined) return;
  const text = typeof value === "object" && value ? value.name ?? "" : value ?? "";
  at(id).textContent = typeof value === "number" ? value.toLocaleString("en") : text;
  at(id).parentElement.hidden = text === "";
  hero.hidden = false;
}

function experienced(xp, maxxp) {
  if (!(maxxp > 0)) return;
  const bar = at("xp");
  bar.max = maxxp;
  bar.value = Math.min(xp, maxxp);
  bar.title = `${xp} of ${maxxp}`;
  bar.closest("div").hidden = false;
  hero.hidden = false;
}

// ---- upgrades ----

let fading;

function upgraded({ phase, from, to, reason }) {
  if (phase === "begin") return state(`${from} → ${to} is being prepared`, "open busy");
  const isDone = phase === "commit";
  state("connected", "open");
  at("release").textContent = isDone ? to : from;
  at("release").hidden = false;
  news(
    isDone ? `Process Quest is now ${to}` : `Process Quest stays ${from}`,
    isDone ? `It was ${from} a moment ago. Nobody had to leave.` : `${to} was taken back${reason ? `: ${reason}` : ""}. Nobody had to leave.`,
    isDone,
  );
}

function news(headline, detail, isGood) {
  clearTimeout(fading);
  banner.hidden = true;
  at("news").textContent = headline;
  at("detail").textContent = detail;
  banner.className = isGood ? "" : "failed";
  banner.hidden = false;
  fading = setTimeout(() => (banner.hidden = true), NEWS_MS);
}

banner.addEventListener("click", () => (banner.hidden = true));

setPlain(browserMemory.recall("plain") === "true");
connect();
