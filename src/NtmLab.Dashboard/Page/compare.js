// Several runs over each other: curves, scores by length, medians over seeds, and in what they differ.
import { make, ask, address, number, count, table } from "/dom.js";
import { chart, palette } from "/curves.js";

/** A configuration as paths and values. */
function paths(value, path = "") {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => paths(inner, path ? `${path}.${key}` : key))
    : [[path, JSON.stringify(value)]];
}

function differences(runs) {
  const all = runs.map((run) => new Map(paths(run.configuration)));
  const keys = [...new Set(all.flatMap((one) => [...one.keys()]))].filter((key) => new Set(all.map((one) => one.get(key))).size > 1);
  return keys.length === 0 ? make("p", { class: "empty" }, "They are configured alike.")
    : table([{ head: "option", cell: (key) => key }, ...runs.map((run, place) => ({ head: run.run, cell: (key) => all[place].get(key) ?? "–" }))], keys);
}

const interval = (found) => `${number(found.middle)} [${number(found.low)}, ${number(found.high)}]`;

function statistics(found) {
  const rows = found.groups.flatMap((group) => group.scores.map((score) => ({ group, score })));
  const parts = [table([
    { head: "experiment", cell: ({ group }) => group.name },
    { head: "seeds", number: true, cell: ({ group }) => String(group.seeds.length) },
    { head: "solved", number: true, cell: ({ group }) => String(group.solvedAfter.length) },
    { head: "length", number: true, cell: ({ score }) => count(score.length) },
    { head: `${found.score}: median [95 %]`, number: true, cell: ({ score }) => interval(score.interval) },
  ], rows)];
  if (found.contests.length > 0) {
    parts.push(make("h2", {}, "Rank tests (Mann and Whitney, two-sided, not corrected for their number)"), table([
      { head: "first", cell: (contest) => contest.first },
      { head: "second", cell: (contest) => contest.second },
      { head: "length", number: true, cell: (contest) => count(contest.length) },
      { head: "first greater", number: true, cell: (contest) => `${(100 * contest.test.superiority).toFixed(0)} %` },
      { head: "p", number: true, cell: (contest) => number(contest.test.pValue) },
    ], found.contests));
  }
  return parts;
}

export async function show(main, signal, list) {
  const ids = list.split(",").map(decodeURIComponent);
  const runs = await Promise.all(ids.map((id) => ask(address(id))));
  const curves = await Promise.all(ids.map((id) => ask(address(id, "curve"))));
  const loss = chart("Loss against sequences", "sequences", "loss");
  const byLength = chart("Score by length", "length", [...new Set(runs.map((run) => run.scoreName))].join(", "));
  const logarithmic = make("input", { type: "checkbox", change: () => draw() });
  const draw = () => {
    loss.draw(runs.map((run, place) => ({ name: run.run, x: curves[place].sequences, y: curves[place].loss, colour: palette[place % palette.length] })), logarithmic.checked);
    byLength.draw(runs.map((run, place) => ({ name: run.run, x: run.scores.map((score) => score.length), y: run.scores.map((score) => score.score), markers: true, colour: palette[place % palette.length] })), logarithmic.checked);
  };
  let medians;
  try {
    medians = statistics(await ask(`/api/compare?runs=${ids.map(encodeURIComponent).join(",")}`));
  } catch (fault) {
    medians = [make("p", { class: "empty" }, fault.message)];
  }
  if (signal.aborted) return;
  main.replaceChildren(make("h1", {}, `${runs.length} runs`),
    make("section", {}, make("div", { class: "tools" }, make("h2", {}, "Curves and scores"), make("label", { class: "row" }, logarithmic, "logarithmic")), make("div", { class: "columns" }, loss.place, byLength.place)),
    make("section", {}, make("h2", {}, "Medians over seeds"), ...medians),
    make("section", {}, make("h2", {}, "Where their configurations differ"), differences(runs)),
    make("section", {}, make("h2", {}, "Runs"), make("ul", {}, runs.map((run) => make("li", {}, make("a", { href: `#/run/${encodeURIComponent(run.run)}` }, run.run), ` – ${run.status}`)))));
  draw();
}
