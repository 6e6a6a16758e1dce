// Finds what keeps people out of a page who use a keyboard, a screen reader, or need contrast: the rules of WCAG 2.2 that a script can
// check. Returns the faults as sentences. `least` is the smallest size of a text in pixels.
const least = arguments[0] ?? 0;
const faults = [];
const isShown = (element) => element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
const describe = (element) => `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}.${element.className}`;

// ---- names (1.1.1, 4.1.2) ----

const text = (element) => [...element.childNodes].map((node) =>
  node.nodeType === Node.TEXT_NODE ? node.data : node.nodeType === Node.ELEMENT_NODE && node.ariaHidden !== "true" ? node.ariaLabel || text(node) : "").join(" ");
const byId = (element, key) => (element.getAttribute(key) ?? "").split(/\s+/).map((id) => id && document.getElementById(id)?.textContent).join(" ");
const nameOf = (element) => [
  byId(element, "aria-labelledby"), element.ariaLabel, ...[...(element.labels ?? [])].map(text),
  element.tagName === "INPUT" ? "" : text(element), element.tagName === "IFRAME" ? element.title : "",
].find((name) => name?.trim());
const CONTROLS = "a[href], button, input, select, textarea, iframe, dialog, canvas:not([aria-hidden=true]), img, progress, [role=tab], [role=tabpanel], [role=tablist], [role=log], [role=img], [tabindex]";
for (const element of document.querySelectorAll(CONTROLS)) {
  if (!isShown(element) || element.getAttribute("tabindex") === "-1" && !element.matches("button")) continue;
  if (!nameOf(element)) faults.push(`${describe(element)} has no name`);
  if (element.tabIndex > 0) faults.push(`${describe(element)} is out of the order of the page`);
}
for (const name of ["aria-labelledby", "aria-controls", "aria-describedby"]) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    const ids = element.getAttribute(name).split(/\s+/);
    if (!ids.every((id) => document.getElementById(id))) faults.push(`${describe(element)}: ${name} leads nowhere`);
  }
}

// ---- structure (1.3.1, 2.4.2, 3.1.1, 4.1.3) ----

if (!document.documentElement.lang) faults.push("the page has no language");
if (!document.title) faults.push("the page has no title");
if (document.querySelectorAll("h1").length !== 1) faults.push("the page has not one heading of the first level");
if (!document.querySelector("main")) faults.push("the page has no main part");
if (!document.querySelector("[role=status], [role=alert], [role=log], [aria-live]")) faults.push("nothing is announced");
const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => faults.push(`two elements are #${id}`));

// ---- contrast (1.4.3, 1.4.11) and size ----

const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const context = canvas.getContext("2d", { willReadFrequently: true });
const colour = (css) => {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return { parts: [red, green, blue], alpha: alpha / 255 };
};
const over = (top, below) => top.parts.map((part, at) => part * top.alpha + below[at] * (1 - top.alpha));
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    layers.push(colour(backgroundColor));
    if (layers.at(-1).alpha === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const light = (parts) => {
  const [red, green, blue] = parts.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [darker, lighter] = [light(one), light(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || seen.has(element) || !isShown(element)) continue;
  // What is there for screen readers alone has no size, and a control that cannot be used needs no contrast. A terminal has colours of its own.
  if (element.closest(":disabled, .hidden, .skip, noscript, script, style, .xterm, [aria-hidden=true]") || element.getBoundingClientRect().width < 2) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  if (size === 0) continue;
  if (size < least) faults.push(`${describe(element)} has ${size} px: ${node.data.trim().slice(0, 40)}`);
  const below = behind(element);
  const ratio = contrast(over(colour(style.color), below), below);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const needed = isLarge ? 3 : 4.5;
  if (ratio < needed) faults.push(`${describe(element)} has a contrast of ${ratio.toFixed(2)}, and needs ${needed}: ${node.data.trim().slice(0, 40)}`);
}

// ---- targets (2.5.8), and reflow (1.4.10) ----

for (const element of document.querySelectorAll("button, input, select, [role=tab]")) {
  const { width, height } = element.getBoundingClientRect();
  const label = element.labels?.[0]?.getBoundingClientRect();
  const isBig = (box) => box && box.width >= 24 && box.height >= 24;
  if (isShown(element) && !isBig({ width, height }) && !isBig(label)) faults.push(`${describe(element)} has only ${Math.round(width)} x ${Math.round(height)} px`);
}
if (document.documentElement.scrollWidth > innerWidth) faults.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${innerWidth}`);
return faults;
