// The side of the page: an avatar's card, the supervision tree, and the game to play.

import { ask } from "./feed.js";
import { badge } from "./crowd.js";
import { Story } from "./story.js";

const CARD_MS = 1_000;
const TREE_MS = 3_000;
const FIND_MS = 150;

export const element = (tag, text = "", name = "") => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
};

const at = (id) => document.getElementById(id);

/// A length of time as hours, minutes and seconds.
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const two = (value) => String(value).padStart(2, "0");
  const days = Math.floor(s / 86_400);
  return `${days ? `${days} d ` : ""}${Math.floor((s / 3_600) % 24)}:${two(Math.floor((s / 60) % 60))}:${two(s % 60)}`;
}

/// Fields without the name of the map that has all of them.
function withoutPrefix(fields) {
  const inner = fields.filter(([name]) => name !== "state" && name.includes("."));
  const first = inner[0]?.[0].split(".")[0];
  const isShared = inner.filter(([name]) => name.startsWith(`${first}.`)).length > fields.length / 2;
  return isShared ? fields.map(([name, value]) => [name.startsWith(`${first}.`) ? name.slice(first.length + 1) : name, value]) : fields;
}

export class Side {
  constructor(crowd, { chosen, shown }) {
    Object.assign(this, { crowd, chosen, shown });
    this.place = -1;
    // The times at which this page has seen a place get another version, and another process.
    this.since = new Map();
    this.born = new Map();
    // The restarts that this page has seen, by the module of the supervisor.
    this.restarts = new Map();
    this.story = new Story(at("story"), at("events"));
    this.tabs = ["one", "tree", "play"];
    for (const tab of this.tabs) at(`tab-${tab}`).addEventListener("click", () => this.open(tab));
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (this.tabs.indexOf(this.tab) + step + this.tabs.length) % this.tabs.length;
      this.open(this.tabs[next]);
      at(`tab-${this.tabs[next]}`).focus();
      event.preventDefault();
    });
    at("find").addEventListener("input", () => {
      clearTimeout(this.finding);
      this.finding = setTimeout(() => this.find(at("find").value.trim()), FIND_MS);
    });
    at("find").addEventListener("keydown", (event) => {
      if (event.key === "Enter") at("found").querySelector("button")?.click();
      if (event.key === "Escape") this.find("");
    });
    this.tab = "one";
    setInterval(() => this.refresh(), CARD_MS);
    setInterval(() => this.tab === "tree" && this.tree(), TREE_MS);
  }

  open(tab) {
    this.tab = tab;
    for (const other of this.tabs) {
      at(other).hidden = other !== tab;
      at(`tab-${other}`).setAttribute("aria-selected", String(other === tab));
      at(`tab-${other}`).tabIndex = other === tab ? 0 : -1;
    }
    if (tab === "tree") this.tree();
    if (tab === "play") this.frame();
    if (tab !== "one") this.story.close();
  }

  hello(hello) {
    this.noun = hello.noun;
    at("tab-one").textContent = hello.noun[0][0].toUpperCase() + hello.noun[0].slice(1);
    const host = location.hostname;
    this.game = hello.web_port ? `http://${host}:${hello.web_port}/` : null;
    const reach = hello.reachable ?? null;
    this.door = hello.web_port && reach ? `http://${reach.includes(":") ? `[${reach}]` : reach}:${hello.web_port}/` : this.game;
    this.isReachable = reach !== null;
    at("play-note").replaceChildren();
    if (!this.game) {
      at("play-note").textContent = hello.plain_port ? `No page for browsers: telnet ${host} ${hello.plain_port}` : "The release has no listeners for players.";
      return;
    }
    const link = element("a", `Open the game in a window of its own: ${this.game}`);
    link.href = this.game;
    link.target = "_blank";
    link.rel = "noopener";
    at("play-note").append(link);
  }

  frame() {
    const frame = at("terminal");
    if (!this.game || frame.src === this.game) return;
    frame.src = this.game;
    frame.hidden = false;
  }

  async find(text) {
    const list = at("found");
    if (!text) {
      list.hidden = true;
      list.replaceChildren();
      return;
    }
    let rows = [];
    try {
      rows = await ask(`/live/find/${encodeURIComponent(text)}`);
    } catch {
      // Without an answer nobody is found; the line says why.
    }
    list.replaceChildren(
      ...rows.map(({ place, name, pid }) => {
        const item = element("li");
        const button = element("button", `${name ?? "without a name"} ${pid}`);
        button.type = "button";
        button.addEventListener("click", () => {
          list.hidden = true;
          this.choose(place);
        });
        item.append(button);
        return item;
      }),
      ...(rows.length ? [] : [element("li", "nobody found")]),
    );
    list.hidden = false;
  }

  choose(place) {
    this.place = place;
    this.last = null;
    this.before = null;
    this.chosen(place);
    this.open("one");
    this.refresh();
  }

  /// A supervisor has started a child again.
  restarted(supervisor) {
    this.restarts.set(supervisor, (this.restarts.get(supervisor) ?? 0) + 1);
  }

  /// Asks for the card of the chosen avatar, while it can be seen.
  async refresh() {
    if (document.hidden) this.story.close();
    if (this.place < 0 || this.tab !== "one" || document.hidden) return;
    const place = this.place;
    this.story.follow(place);
    try {
      const card = await ask(`/live/avatar/${place}`);
      if (place === this.place) this.show(card);
    } catch (error) {
      if (place !== this.place) return;
      at("name").textContent = "gone";
      at("pid").textContent = String(error.message);
    }
  }

  show(card) {
    const of = this.crowd.live[card.place] & 0x0f;
    const [number, vsn] = [this.crowd.own(of), this.crowd.versions[of - 1] ?? ""];
    const fields = new Map(withoutPrefix(card.fields));
    const isOther = this.last && (this.last.pid !== card.pid || this.last.vsn !== vsn);
    if (isOther) {
      this.before = this.last.pid === card.pid ? this.last : null;
      if (this.last.pid !== card.pid) this.born.set(card.place, Date.now());
      this.since.set(card.place, Date.now());
    }
    const isNew = this.last?.pid !== card.pid;
    this.last = { pid: card.pid, vsn, number, fields };
    document.querySelector("#one .empty").hidden = true;
    at("card").hidden = false;
    at("name").textContent = card.name ?? "without a name";
    at("pid").textContent = card.pid;
    at("code").replaceChildren(badge(number), ` ${vsn}`);
    const since = this.since.get(card.place);
    const born = this.born.get(card.place);
    const age = card.since_unix_s === null ? "the same" : clock(Date.now() - card.since_unix_s * 1_000);
    at("clock-process").textContent = born ? `new ${clock(Date.now() - born)}` : age;
    at("clock-socket").textContent = card.socket ? clock(Date.now() - card.socket.since_unix_ms) : "none";
    at("clock-code").textContent = since ? clock(Date.now() - since) : "as before";
    at("clock-of-code").classList.toggle("new", Boolean(since));
    this.table(fields, card.why);
    if (isNew) this.shown();
  }

  /// The state, with changed fields first where the version has changed while the card was open.
  table(fields, why) {
    const { before, last } = this;
    const names = new Set([...fields.keys(), ...(before?.fields.keys() ?? [])]);
    const rows = [...names].map((name) => {
      const [old, now] = [before?.fields.get(name), fields.get(name)];
      const mark = !before ? "" : old === undefined ? "+" : now === undefined ? "−" : "";
      return { name, old, now, mark };
    });
    rows.sort((a, b) => Boolean(b.mark) - Boolean(a.mark));
    const head = (cell, of) => cell.replaceChildren(...(of ? [badge(of.number), ` ${of.vsn}`] : []));
    head(at("before"), before ?? last);
    head(at("after"), before ? last : null);
    at("fields").replaceChildren(
      ...rows.map(({ name, old, now, mark }) => {
        const row = element("tr", "", mark ? "changed" : "");
        row.append(element("th", `${mark ? `${mark} ` : ""}${name}`));
        if (before) row.append(element("td", old ?? "—"), element("td", now ?? "—"));
        else {
          const cell = element("td", now ?? "—");
          cell.colSpan = 2;
          row.append(cell);
        }
        return row;
      }),
      ...(why ? [element("tr", why)] : []),
    );
  }

  async tree() {
    let answer;
    try {
      answer = await ask("/live/tree");
    } catch {
      return;
    }
    const folded = this.folded ?? (this.folded = new Set());
    const rows = answer.rows ?? answer;
    let hiddenBelow = Infinity;
    at("rows").replaceChildren(
      ...rows.flatMap((row, index) => {
        if (row.depth > hiddenBelow) return [];
        hiddenBelow = Infinity;
        const key = `${row.depth} ${row.module} ${row.pid ?? row.vsn}`;
        const hasChildren = (rows[index + 1]?.depth ?? 0) > row.depth;
        if (folded.has(key)) hiddenBelow = row.depth;
        const item = element("li");
        item.style.setProperty("--depth", String(row.depth));
        const fold = element("button", hasChildren ? (folded.has(key) ? "▸" : "▾") : "·", "fold");
        fold.type = "button";
        fold.disabled = !hasChildren;
        fold.setAttribute("aria-label", `${folded.has(key) ? "open" : "fold"} ${row.module}`);
        fold.addEventListener("click", () => {
          if (!folded.delete(key)) folded.add(key);
          this.tree();
        });
        const many = row.count > 1 ? ` × ${row.count}` : "";
        const below = row.below ? `, ${row.below} below` : "";
        item.append(fold, element("b", row.name ?? row.module), element("span", `${many}${below}`), element("i", row.vsn));
        const restarts = this.restarts.get(row.module);
        if (restarts) item.append(element("span", restarts === 1 ? "1 restart seen" : `${restarts} restarts seen`, "waits"));
        if (row.messages) item.append(element("span", `${row.messages} waiting`, "waits"));
        if (row.pid) item.append(element("code", row.pid));
        return [item];
      }),
    );
  }
}
