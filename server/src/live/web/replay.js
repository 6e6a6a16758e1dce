// Replays of installs: the recording has the microsecond of each conversion and swap, and the page draws them slower than they were.
// The speed is always said.

import { COPIED, HELD } from "./crowd.js";
import { number, time } from "./rail.js";

const NEVER = 0xffffffff;

/// The time for which an install is shown after it, whatever its length.
const SLOW_MS = 9_000;

/// Reads a recording (server/feed/src/recording.rs).
export function read(buffer) {
  const bytes = new Uint8Array(buffer);
  const end = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const times = new Uint32Array(buffer, end + 1, head.sampled * 3);
  const last = head.phases.reduce((sum, phase) => Math.max(sum, phase.at_us + phase.took_us), 0);
  return { ...head, times, lastUs: last };
}

export class Replay {
  constructor(crowd, rail, root, { over }) {
    Object.assign(this, { crowd, rail, root, over });
    this.recording = null;
    this.range = root.querySelector("input[type=range]");
    this.label = root.querySelector("output");
    this.range.addEventListener("input", () => {
      this.atUs = Number(this.range.value);
      this.isPlaying = false;
      this.draw();
    });
    root.querySelector(".speeds").addEventListener("click", ({ target }) => {
      if (target.dataset.speed) this.play(Number(target.dataset.speed));
    });
    root.querySelector(".hold").addEventListener("click", () => {
      const hold = this.phase("hold");
      if (!hold) return;
      this.atUs = Math.max(0, hold.at_us - hold.took_us / 2);
      this.play(0.001);
    });
    root.querySelector(".pause").addEventListener("click", () => {
      this.isPlaying = !this.isPlaying;
      this.draw();
    });
    root.querySelector(".close").addEventListener("click", () => this.close());
  }

  async load(id) {
    const answer = await fetch(`/live/recordings/${id}`);
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return read(await answer.arrayBuffer());
  }

  phase(name) {
    return this.recording.phases.findLast((phase) => phase.phase === name);
  }

  /// Begins a replay. A slow one shows the swap, or the way back, from its beginning to its end in some seconds.
  begin(recording, isSlow) {
    this.recording = recording;
    const { codes, sampled, times } = recording;
    const numberOf = (vsn) => {
      const at = this.crowd.versions.indexOf(vsn);
      return at >= 0 ? at + 1 : this.crowd.versions.push(vsn);
    };
    [this.old, this.young] = codes.map(numberOf);
    this.codes = new Uint8Array(sampled).fill(this.old);
    this.crowd.aim(this.young);
    this.crowd.replay(this.codes);
    let [first, last] = [NEVER, 0];
    for (let place = 0; place < sampled; place++) {
      // An install that has failed has no swaps: its copies are shown, and how they are dropped.
      const marks = recording.record.failure ? [times[3 * place], times[3 * place + 2]] : [times[3 * place + 1]];
      for (const us of marks) {
        if (us === NEVER) continue;
        first = Math.min(first, us);
        last = Math.max(last, us);
      }
    }
    this.endUs = Math.max(recording.lastUs, last);
    this.range.max = String(this.endUs);
    this.range.step = String(Math.max(1, Math.round(this.endUs / 2_000)));
    this.root.hidden = false;
    const hold = this.phase("hold");
    if (isSlow && first < last) {
      const from = hold ? Math.min(hold.at_us, first) : first;
      const margin = Math.max(50, (last - from) * 0.06);
      this.atUs = Math.max(0, from - margin);
      this.stopUs = Math.min(last + margin, this.endUs);
      this.play((this.stopUs - this.atUs) / 1_000 / SLOW_MS);
    } else {
      this.atUs = 0;
      this.stopUs = null;
      this.play(Math.min(1, Math.max(0.1, this.endUs / 1_000 / SLOW_MS)));
    }
  }

  play(speed) {
    this.speed = speed;
    if (this.atUs >= this.endUs) this.atUs = 0;
    this.isPlaying = true;
    this.before = null;
    this.draw();
  }

  get isOn() {
    return this.recording !== null;
  }

  tick(now) {
    if (!this.isOn || !this.isPlaying) return;
    if (this.before !== null) this.atUs += (now - this.before) * 1_000 * this.speed;
    this.before = now;
    if (this.stopUs !== null && this.atUs >= this.stopUs) return this.close();
    if (this.atUs >= this.endUs) {
      this.atUs = this.endUs;
      this.isPlaying = false;
    }
    this.draw();
  }

  draw() {
    const { recording, codes, old, young, atUs } = this;
    const { times, sampled, phases } = recording;
    const hold = this.phase("hold");
    const isHeld = hold !== undefined && atUs >= hold.at_us;
    const isLet = hold !== undefined && atUs >= hold.at_us + hold.took_us;
    for (let place = 0; place < sampled; place++) {
      const [copied, swapped, dropped] = [times[3 * place], times[3 * place + 1], times[3 * place + 2]];
      let code = old;
      if (swapped <= atUs) code = young;
      else if (dropped <= atUs) code = old;
      else {
        if (copied <= atUs) code |= COPIED;
        if (isHeld && !isLet) code |= HELD;
      }
      codes[place] = code;
    }
    this.crowd.update(codes);
    const past = phases.filter((phase) => phase.at_us <= atUs);
    const cut = past.map((phase) => ({ phase: phase.phase, took_us: Math.min(phase.took_us, atUs - phase.at_us) }));
    this.rail.phases(cut, { isOver: atUs >= this.endUs, failed: Boolean(recording.record.failure) });
    this.range.value = String(Math.round(atUs));
    this.range.setAttribute("aria-valuetext", `${time(atUs)} of ${time(this.endUs)}`);
    const speed = this.speed >= 1 ? "as fast as it was" : `${factor(1 / this.speed)}× slower`;
    const some = sampled < recording.total ? `, a sample of ${sampled}` : "";
    this.label.textContent = `${recording.from} → ${recording.to}: ${time(atUs)} of ${time(this.endUs)}, ${speed}${some}`;
    this.root.querySelector(".pause").textContent = this.isPlaying ? "Pause" : "Play";
    const state = recording.record.failure ? "; it failed" : "";
    this.rail.say(`Replay ${this.label.textContent}${state}`, "");
  }

  close() {
    if (!this.isOn) return;
    this.recording = null;
    this.isPlaying = false;
    this.root.hidden = true;
    this.crowd.replay(null);
    this.over();
  }
}

function factor(value) {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, "") : number(value);
}
