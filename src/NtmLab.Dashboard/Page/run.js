// One run: how it stands, its curve while it goes on, scores, heads, script and configuration.
import { make, ask, address, count, number, span, day, status, table } from "/dom.js";
import { chart } from "/curves.js";
import { panel } from "/heads.js";

const fact = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));

/** The curve of a run, and what comes to it while it goes on. */
function learning(run, signal, ended) {
  const loss = chart("Loss against sequences", "sequences", `loss, ${run.lossName}`);
  const score = chart("Score against sequences", "sequences", run.scoreName);
  const rows = { batch: [], sequences: [], loss: [], score: [], windowScore: [], seconds: [] };
  const logarithmic = make("input", { type: "checkbox", change: () => draw() });
  const standing = make("dl", { class: "facts" });
  const draw = () => {
    const log = logarithmic.checked;
    loss.draw([{ name: "loss", x: rows.sequences, y: rows.loss }], log);
    score.draw([{ name: "batch", x: rows.sequences, y: rows.score, colour: "#9fb3c8" }, { name: "window", x: rows.sequences, y: rows.windowScore }], log);
    const last = rows.batch.length - 1;
    if (last >= 0) standing.replaceChildren(fact("sequences", count(rows.sequences[last])), fact("last loss", number(rows.loss[last])), fact(run.scoreName, number(rows.windowScore[last])), fact("trained", span(rows.seconds[last])));
  };
  const add = (fresh) => { for (const key of Object.keys(rows)) rows[key] = rows[key].concat(fresh[key]); };
  const begin = async () => {
    add(await ask(address(run.run, "curve")));
    draw();
    if (run.status !== "running" || signal.aborted) return;
    const stream = new EventSource(`${address(run.run, "live")}?after=${rows.batch.at(-1) ?? 0}`);
    signal.addEventListener("abort", () => stream.close());
    stream.addEventListener("rows", (event) => { add(JSON.parse(event.data)); draw(); });
    stream.addEventListener("status", (event) => {
      const now = JSON.parse(event.data).status;
      if (now !== "running") { stream.close(); ended(); }
    });
  };
  const place = make("section", { "aria-label": "Learning" }, make("div", { class: "tools" }, make("h2", {}, "Learning"), make("label", { class: "row" }, logarithmic, "logarithmic")), standing,
    make("div", { class: "columns" }, loss.place, score.place));
  return { place, begin };
}

function scores(run) {
  if (run.scores.length === 0) return null;
  const byLength = chart("Score by length", "length", run.scoreName);
  const place = make("section", {}, make("h2", {}, "Scores by length, after the training"), make("div", { class: "columns" }, byLength.place, table([
    { head: "length", number: true, cell: (score) => count(score.length) },
    { head: run.scoreName, number: true, cell: (score) => number(score.score) },
    { head: "perfect", number: true, cell: (score) => `${(100 * score.perfectFraction).toFixed(0)} %` },
    ...(run.scores.some((score) => score.slotsUsed !== null) ? [{ head: "slots used", number: true, cell: (score) => number(score.slotsUsed) }] : []),
  ], run.scores)));
  return { place, draw: () => byLength.draw([{ name: run.scoreName, x: run.scores.map((score) => score.length), y: run.scores.map((score) => score.score), markers: true }]) };
}

function pictures(run) {
  const drawn = run.pictures.filter((name) => name.endsWith(".png"));
  return drawn.length === 0 ? null : make("section", {}, make("h2", {}, "Pictures"), make("div", { class: "pictures" }, drawn.map((name) => {
    const place = address(run.run, "files", "pictures", name);
    return make("figure", {}, make("figcaption", {}, name.replace(".png", "")), make("a", { href: place, target: "_blank" }, make("img", { src: place, alt: name.replace(".png", "").replaceAll("-", " "), loading: "lazy" })));
  })));
}

export async function show(main, signal, id) {
  const run = await ask(address(id));
  const again = () => { if (!signal.aborted) show(main, signal, id); };
  const curve = learning(run, signal, again);
  const byLength = scores(run);
  main.replaceChildren(make("h1", {}, run.run),
    make("section", { "aria-label": "Summary" }, make("dl", { class: "facts" },
      fact("status", status(run.status)), fact("model", run.model), fact("task", run.task), fact("seed", String(run.seed)), fact("engine", run.engine),
      fact("parameters", count(run.parameters)), fact("sequences", count(run.sequences)), fact("solved at", count(run.solvedAtSequences)),
      fact("trained", span(run.seconds)), fact("started (UTC)", day(run.started))),
      run.fault ? make("p", { class: "fault" }, run.fault) : null,
      run.status === "interrupted" && run.directory ? make("p", {}, "Go on with: ", make("code", {}, `./ntmlab resume ${run.directory}`)) : null),
    curve.place, ...[byLength?.place, run.traces.length > 0 ? panel(run) : null, pictures(run)].filter(Boolean),
    make("div", { class: "columns" },
      make("section", {}, make("h2", {}, "Script"), run.script ? make("pre", { tabindex: "0" }, run.script) : make("p", { class: "empty" }, "Made by a program, without a script.")),
      make("section", {}, make("h2", {}, "Configuration"), make("pre", { tabindex: "0" }, JSON.stringify(run.configuration, null, 2)))),
    make("section", {}, make("h2", {}, "Provenance"), make("dl", { class: "facts" },
      fact("code", run.codeVersion), ...Object.entries(run.machine).map(([name, value]) => fact(name, String(value))), fact("folder", run.directory ?? "on another machine"))));
  byLength?.draw();
  await curve.begin();
}
