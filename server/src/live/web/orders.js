// Orders: buttons beside the commands that they stand for. They need an operator's token, which goes into a header. Orders that
// change the node ask first.

import { ask } from "./feed.js";
import { tab } from "./memory.js";
import { element } from "./side.js";

const at = (id) => document.getElementById(id);
const STORE = "token";

/// The token from the address (`#token=…`), which is removed there, or the one of this tab.
function takeToken() {
  const found = /^#token=([0-9a-f]+)$/.exec(location.hash);
  if (found) {
    tab.remember(STORE, found[1]);
    history.replaceState(null, "", location.pathname + location.search);
    return found[1];
  }
  return tab.recall(STORE) ?? "";
}

export class Orders {
  constructor({ chosen, noun, ended }) {
    Object.assign(this, { chosen, noun, ended });
    this.token = takeToken();
    this.state = { running: null, releases: [], packages: [] };
    at("token").addEventListener("change", () => {
      this.token = at("token").value.trim();
      tab.remember(STORE, this.token);
      at("token").value = "";
      this.draw();
    });
    addEventListener("hashchange", () => {
      this.token = takeToken();
      this.draw();
    });
  }

  async refresh() {
    let state;
    try {
      state = await ask("/live/releases");
    } catch {
      return; // The node starts or stops: the orders stay as they were.
    }
    const isSame = JSON.stringify(state) === JSON.stringify(this.state);
    this.state = state;
    if (!isSame) this.draw();
  }

  /// The orders that make sense now; the commands are those of the chapter.
  lines() {
    const { running, releases, packages } = this.state;
    if (!running) return [];
    const permanent = releases.find((release) => release.status === "permanent")?.vsn ?? running.vsn;
    const others = releases.filter((release) => release.vsn !== running.vsn).map((release) => release.vsn);
    const [to, pack] = [others.includes(this.to) ? this.to : others[0], packages[0]];
    const chosen = this.chosen();
    return [
      { label: "Unpack", order: { order: "unpack", package: pack }, command: `pq unpack ${pack ?? "NAME-VSN"}`, can: Boolean(pack) },
      { label: "Check", order: { order: "check", vsn: to }, command: "pq check-install", can: Boolean(to), choice: others, picked: to, isSafe: true },
      { label: `Install ${to ?? ""}`, order: { order: "install", vsn: to }, command: `pq install ${to ?? "VSN"}`, can: Boolean(to) },
      { label: "Make permanent", order: { order: "make_permanent", vsn: running.vsn }, command: `pq make-permanent ${running.vsn}`, can: permanent !== running.vsn },
      { label: "Go back", order: { order: "install", vsn: permanent }, command: `pq install ${permanent}`, can: permanent !== running.vsn },
      { label: `Crash the ${this.noun()}`, order: { order: "kill", process: chosen?.pid }, command: `pq kill ${chosen?.name ?? "NAME"}`, can: Boolean(chosen) },
    ];
  }

  draw() {
    at("locked").hidden = this.token !== "";
    const focused = document.activeElement?.dataset?.line;
    at("lines").replaceChildren(
      ...this.lines().map((line, index) => {
        const item = element("li");
        const button = element("button");
        button.append(element("b", line.label.trim()), element("code", line.command));
        button.title = line.command;
        button.type = "button";
        button.dataset.line = String(index);
        button.disabled = !line.can || !this.token || this.isBusy;
        button.addEventListener("click", () => this.give(line));
        item.append(button);
        if (line.choice?.length) {
          const choice = element("select");
          choice.setAttribute("aria-label", "Release to check and to install");
          choice.append(...line.choice.map((vsn) => new Option(vsn, vsn, false, vsn === line.picked)));
          choice.addEventListener("change", () => {
            this.to = choice.value;
            this.draw();
          });
          item.append(choice);
        }
        return item;
      }),
    );
    if (focused) at("lines").querySelector(`[data-line="${focused}"]`)?.focus();
  }

  async give(line) {
    let plan = "";
    if (line.order.order === "install") {
      const checked = await this.send({ order: "check", vsn: line.order.vsn }, `check of ${line.order.vsn}`);
      const count = Object.values(checked?.processes ?? {}).reduce((sum, each) => sum + each, 0);
      plan = !checked ? `${at("told").textContent}. Until the red line a failure leaves everything as it was.` : `${count} processes get new code in ${checked.modules?.length ?? 0} modules. ${checked.differing ? `${checked.differing} states would lose data on the way back.` : "Every state converts, also back."}${checked.restart ? " The node restarts." : ""}`;
    }
    if (!line.isSafe && this.token && !(await this.isSure(line, plan))) return;
    if (!this.token) return;
    const done = await this.send(line.order, line.command);
    if (done && line.isSafe) {
      const count = Object.values(done.processes ?? {}).reduce((sum, each) => sum + each, 0);
      this.tell(`${line.order.vsn} can be installed: ${count} processes, nothing was changed.`);
    }
  }

  isSure(line, plan) {
    const dialog = at("sure");
    dialog.querySelector("h2").textContent = `${line.label.trim()}?`;
    dialog.querySelector("p").textContent = plan;
    dialog.querySelector("code").textContent = line.command;
    dialog.querySelector(".do").textContent = line.label.trim();
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
  }

  async send(order, what) {
    this.isBusy = true;
    this.tell(`${what} …`);
    this.draw();
    try {
      const answer = await fetch("/live/orders", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
        body: JSON.stringify(order),
      });
      const text = await answer.text();
      if (answer.status === 401) {
        this.token = "";
        tab.forget(STORE);
      }
      this.tell(answer.ok ? (answer.status === 202 ? text.trim() : `${what}: done`) : text.trim());
      return answer.status === 200 ? JSON.parse(text) : null;
    } catch (error) {
      this.tell(`${what}: no answer (${error.message})`);
      return null;
    } finally {
      this.isBusy = false;
      this.ended();
      await this.refresh();
      this.draw();
    }
  }

  tell(sentence) {
    at("told").textContent = sentence;
  }
}
