// All runs: filters, order, choice.
import { make, ask, count, number, span, day, status } from "/dom.js";

const columns = [
  { key: "id", head: "run" },
  { key: "status", head: "status" },
  { key: "model", head: "model" },
  { key: "task", head: "task" },
  { key: "seed", head: "seed", number: true, optional: true },
  { key: "parameters", head: "parameters", number: true, optional: true },
  { key: "sequences", head: "sequences", number: true },
  { key: "solvedAtSequences", head: "solved at", number: true },
  { key: "score", head: "score", number: true },
  { key: "seconds", head: "trained", number: true, optional: true },
  { key: "started", head: "started (UTC)", optional: true },
];
const filters = ["status", "model", "task", "name"];
const step = 100;
const state = { text: "", status: "", model: "", task: "", name: "", order: "started", down: true, shown: step, chosen: new Set() };

function cell(run, key) {
  switch (key) {
    case "id": return make("a", { href: `#/run/${encodeURIComponent(run.id)}` }, run.id);
    case "status": return status(run.status);
    case "score": return run.score === null ? "–" : make("span", { title: `${run.scoreName} at length ${run.length}` }, `${number(run.score)}`);
    case "seconds": return span(run.seconds);
    case "started": return day(run.started);
    case "parameters": case "sequences": case "solvedAtSequences": return count(run[key]);
    default: return String(run[key]);
  }
}

const fits = (run) => filters.every((key) => state[key] === "" || run[key] === state[key])
  && state.text.toLowerCase().split(/\s+/).every((word) => `${run.id} ${run.model} ${run.task} ${run.status}`.toLowerCase().includes(word));

function compareRuns(first, second) {
  const [a, b] = [first[state.order], second[state.order]];
  const order = a === b ? 0 : a === null ? -1 : b === null ? 1 : typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  return state.down ? -order : order;
}

export async function show(main, signal) {
  let runs = await ask("/api/runs");
  const body = make("tbody");
  const tally = make("p", { class: "empty", role: "status" });
  const more = make("p", { class: "more" }, make("button", { click: () => { state.shown += step; fill(); } }, "Show more"));
  const compare = make("button", { class: "main", click: () => { location.hash = `#/compare/${[...state.chosen].map(encodeURIComponent).join(",")}`; } });

  const row = (run) => {
    const box = make("input", {
      type: "checkbox", "aria-label": `Choose ${run.id}`,
      change: (event) => { event.target.checked ? state.chosen.add(run.id) : state.chosen.delete(run.id); line.classList.toggle("chosen", event.target.checked); tell(); },
    });
    box.checked = state.chosen.has(run.id);
    const line = make("tr", { class: box.checked ? "chosen" : "" }, make("td", {}, box),
      columns.map((column) => make("td", { class: [column.number && "number", column.optional && "optional"].filter(Boolean).join(" ") }, cell(run, column.key))));
    return line;
  };

  const tell = () => {
    compare.textContent = state.chosen.size < 2 ? "Compare (choose two or more)" : `Compare ${state.chosen.size} runs`;
    compare.disabled = state.chosen.size < 2;
  };

  const fill = () => {
    const found = runs.filter(fits).sort(compareRuns);
    body.replaceChildren(...found.slice(0, state.shown).map(row));
    more.hidden = found.length <= state.shown;
    tally.textContent = runs.length === 0 ? "There are no runs yet: './ntmlab run experiments/copy.fsx' makes one."
      : found.length === runs.length ? `${count(runs.length)} runs` : `${count(found.length)} of ${count(runs.length)} runs`;
    for (const head of heads) head.setAttribute("aria-sort", head.dataset.key !== state.order ? "none" : state.down ? "descending" : "ascending");
    tell();
  };

  const heads = columns.map((column) => make("th", { scope: "col", "data-key": column.key, class: [column.number && "number", column.optional && "optional"].filter(Boolean).join(" ") },
    make("button", { click: () => { state.down = state.order === column.key ? !state.down : false; state.order = column.key; fill(); } }, column.head)));
  const text = make("input", { type: "search", value: state.text, placeholder: "words of the run, model, task or status", input: (event) => { state.text = event.target.value; state.shown = step; fill(); } });
  const selects = filters.map((key) => {
    const select = make("select", { change: (event) => { state[key] = event.target.value; state.shown = step; fill(); } });
    select.dataset.key = key;
    return select;
  });
  const options = () => {
    for (const select of selects) {
      const key = select.dataset.key;
      const known = [...new Set(runs.map((run) => run[key]))].sort();
      select.replaceChildren(make("option", { value: "" }, "any"), ...known.map((value) => make("option", { value }, value)));
      select.value = known.includes(state[key]) ? state[key] : (state[key] = "");
    }
  };

  options();
  main.replaceChildren(make("h1", {}, "Runs"), make("section", {},
    make("div", { class: "tools" },
      make("label", { class: "grow" }, "search", text),
      selects.map((select) => make("label", {}, select.dataset.key === "name" ? "experiment" : select.dataset.key, select)),
      compare),
    tally,
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs" },
      make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, make("span", { "aria-label": "choice" })), heads)), body)),
    more));
  fill();

  const timer = setInterval(async () => {
    if (document.hidden || body.contains(document.activeElement)) return;
    try {
      const fresh = await ask("/api/runs");
      if (!signal.aborted && JSON.stringify(fresh) !== JSON.stringify(runs)) { runs = fresh; options(); fill(); }
    } catch {
      // The server may be ending; the next try tells.
    }
  }, 3000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
