// The last events of the chosen avatar: the story as its player reads it, over a WebSocket of its own.

const LINES_MAX = 5;
const AGAIN_MS = 5_000;

export class Story {
  constructor(list, section) {
    Object.assign(this, { list, section, place: -1, socket: null, due: 0 });
  }

  /// Follows the avatar at this place, unless it does already. A connection that has ended is made anew after a pause.
  follow(place) {
    const isOn = this.socket && this.socket.readyState <= WebSocket.OPEN;
    if (place === this.place && (isOn || performance.now() < this.due)) return;
    if (place !== this.place) this.clear();
    this.socket?.close();
    this.place = place;
    this.due = performance.now() + AGAIN_MS;
    const socket = new WebSocket(new URL(`/live/story/${place}`, location.href.replace(/^http/, "ws")));
    socket.onmessage = ({ data }) => socket === this.socket && this.tell(JSON.parse(data));
    this.socket = socket;
  }

  close() {
    this.socket?.close();
    this.socket = null;
    this.place = -1;
  }

  clear() {
    this.list.replaceChildren();
    this.section.hidden = true;
  }

  tell({ news, text }) {
    const told = { text, restarted: "it has failed and was started again", ended: "it has ended" }[news] ?? "";
    for (const line of told.split("\n").filter((part) => part.trim())) {
      const item = document.createElement("li");
      item.textContent = line.trim();
      this.list.append(item);
    }
    while (this.list.childElementCount > LINES_MAX) this.list.firstChild.remove();
    this.section.hidden = this.list.childElementCount === 0;
  }
}
