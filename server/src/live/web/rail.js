// The step rail of an install, with the sentence for the room and the report afterwards.

export const STEPS = ["prepare", "copy", "follow", "hold", "commit", "swap"];

/// A duration for people.
export function time(us) {
  if (us < 1_000) return `${Math.round(us)} µs`;
  if (us < 10_000) return `${(us / 1_000).toFixed(2)} ms`;
  if (us < 1_000_000) return `${Math.round(us / 1_000)} ms`;
  return `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s`;
}

/// A number in groups of three digits.
export const number = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");

const sentences = (to, many) => ({
  prepare: `${to} is read and checked. Everybody plays.`,
  copy: `Copies of all ${many} are converted to ${to}. Nothing has changed yet.`,
  follow: `Everybody plays on; copies that are out of date are made again.`,
  hold: `All ${many} wait for the last copies.`,
  commit: `The line is crossed: ${to} is in force.`,
  swap: `${to} is in force. Each takes it at the next move.`,
  apply: `${to} is in force; functions of the release are called.`,
});

export class Rail {
  constructor(root) {
    this.root = root;
    this.head = root.querySelector("h2");
    this.note = root.querySelector(".note");
    this.bar = root.querySelector(".fill");
    this.list = root.querySelector("ol");
    this.stations = new Map(STEPS.map((step) => [step, this.list.querySelector(`[data-step=${step}]`)]));
    this.many = "processes";
    this.last = "";
  }

  /// Shows phases: each has its name and its duration. The last one has not ended while an install runs.
  phases(phases, { isOver, failed, swapped, total }) {
    const sums = new Map();
    for (const { phase, took_us } of phases) sums.set(phase, (sums.get(phase) ?? 0) + took_us);
    const now = isOver ? null : phases.at(-1)?.phase;
    let reached = 0;
    STEPS.forEach((step, at) => {
      const station = this.stations.get(step);
      const us = sums.get(step);
      const isDone = us !== undefined && step !== now;
      if (us !== undefined) reached = at + (isDone ? 1 : 0.5);
      station.className = step === now ? "now" : isDone ? (failed && at + 1 >= sums.size ? "failed" : "done") : "";
      station.querySelector(".time").textContent = us === undefined ? "" : time(us);
      if (step === now) station.setAttribute("aria-current", "step");
      else station.removeAttribute("aria-current");
    });
    if (now === "swap" && total) this.stations.get("swap").querySelector(".time").textContent = `${number(swapped)} of ${number(total)}`;
    this.bar.style.setProperty("--reached", String(Math.min(1, reached / STEPS.length)));
  }

  install(install) {
    const { record } = install;
    const now = record.phases.at(-1)?.phase ?? "prepare";
    this.root.dataset.state = install.check ? "check" : "running";
    const sentence = install.check ? `A check tries ${record.to} on copies. Nothing changes.` : sentences(record.to, this.many)[now];
    this.say(sentence, ["commit", "swap", "apply"].includes(now) ? "Behind the red line there is no way back: everybody goes forward." : "Until the red line, any failure leaves everything as it was.");
    this.phases(record.phases, { isOver: false, swapped: install.swapped, total: install.total });
  }

  /// The report of an install that has ended.
  report(record) {
    this.root.dataset.state = record.failure ? "failed" : "done";
    const pause = record.pause_us;
    if (record.failure) {
      this.say(`${record.to} was not installed. Everybody plays on ${record.from}.`, record.failure.error);
    } else {
      const counts = Object.values(record.processes).reduce((sum, count) => sum + count, 0);
      this.say(
        `${record.to} runs: ${number(counts)} processes changed, ${number(record.connections_dropped)} connections dropped.`,
        `It took ${record.took_ms} ms. Nobody waited longer than ${time(pause.max)}; the median of all pauses is ${time(pause.median)}. ${number(record.converted)} states were converted.`,
      );
    }
    this.phases(record.phases, { isOver: true, failed: Boolean(record.failure) });
  }

  idle(release, noun) {
    this.root.dataset.state = "idle";
    this.say(`${noun} play on ${release}.`, "Nothing is being installed.");
    this.phases([], { isOver: true });
  }

  /// Says a sentence; a screen reader hears it once.
  say(sentence, note) {
    const text = `${sentence}\n${note}`;
    if (text === this.last) return;
    this.last = text;
    this.head.textContent = sentence;
    this.note.textContent = note;
  }
}
