// Elements, numbers as researchers write them, and answers of the server.

/** An element: name, attributes (functions are listeners), children (texts are never read as HTML). */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const count = (value) => value === null || value === undefined ? "–" : value.toLocaleString("en").replaceAll(",", " ");

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : Number(value.toPrecision(4)).toString();
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

export const day = (text) => text ? text.slice(0, 16).replace("T", " ") : "–";

/** What the server says; an error's sentence is thrown. */
export async function ask(address) {
  const answer = await fetch(address);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `${address}: ${answer.status}`);
  return content;
}

export const address = (id, ...rest) => ["/api/runs", id, ...rest].map((part, place) => place === 0 ? part : encodeURIComponent(part)).join("/");

export const status = (text) => make("span", { class: `status ${text}` }, text);

/** A table; columns are {head, number, cell}. */
export function table(columns, rows) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, make("table", {},
    make("thead", {}, make("tr", {}, columns.map((column) => make("th", { scope: "col", class: column.number ? "number" : undefined }, column.head)))),
    make("tbody", {}, rows.map((row) => make("tr", {}, columns.map((column) => make("td", { class: column.number ? "number" : column.wrap ? "wrap" : undefined }, column.cell(row))))))));
}
