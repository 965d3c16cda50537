// What the heads did and what the memory held, step by step through a drawn example.
import { make, address, number } from "/dom.js";
import { read } from "/safetensors.js";
import { heatmap, rangeOf } from "/heatmap.js";

/** A figure over all steps: `at(step, row)`. */
function along(title, rows, steps, at, values) {
  const map = heatmap(title);
  const range = rangeOf(values);
  const draw = (step) => map.draw(rows, steps, (row, column) => at(column, row), range, step);
  return { place: make("figure", {}, make("figcaption", {}, `${title}, ${rows} × ${steps} steps, up to ${number(range.high)}`), map.canvas), draw };
}

/** A figure of one step: `at(step, row, column)`. */
function single(title, rows, columns, at, values) {
  const map = heatmap(title);
  const range = rangeOf(values);
  const draw = (step) => map.draw(rows, columns, (row, column) => at(step, row, column), range);
  return { place: make("figure", {}, make("figcaption", {}, `${title}, up to ±${number(range.high)}`), map.canvas), draw };
}

function figures(tensors) {
  const found = [];
  const steps = Object.values(tensors)[0].shape[0];
  for (const [name, title] of [["input", "input"], ["target", "target"], ["output", "output"]]) {
    const tensor = tensors[name];
    if (tensor) found.push(along(title, tensor.shape[1], steps, (step, row) => tensor.values[step * tensor.shape[1] + row], tensor.values));
  }
  const memory = tensors.memory;
  if (memory) {
    const [, slots, width] = memory.shape;
    found.push(single(`memory after the step, ${width} values × ${slots} slots`, width, slots, (step, row, column) => memory.values[(step * slots + column) * width + row], memory.values));
  }
  for (const [name, title] of [["write_weighting", "write weighting"], ["read_weighting", "read weighting"], ["erase", "erase vector"], ["add", "add vector"], ["read", "read vector"]]) {
    const tensor = tensors[name];
    if (!tensor || tensor.values.length === 0) continue;
    const [, heads, width] = tensor.shape;
    for (let head = 0; head < heads; head++) {
      found.push(along(heads > 1 ? `${title} of head ${head + 1}` : title, width, steps, (step, row) => tensor.values[(step * heads + head) * width + row], tensor.values));
    }
  }
  return { found, steps };
}

export function panel(run) {
  const place = make("section", { "aria-label": "Heads and memory" }, make("h2", {}, "Heads and memory, step by step"));
  const slider = make("input", { type: "range", min: 0, value: 0, "aria-label": "Step" });
  const told = make("output");
  const maps = make("div", { class: "maps" });
  let drawn = [], timer = null;
  const draw = () => { told.textContent = `step ${Number(slider.value) + 1} of ${Number(slider.max) + 1}`; for (const figure of drawn) figure.draw(Number(slider.value)); };
  const play = make("button", {
    click: () => {
      if (timer) { clearInterval(timer); timer = null; play.textContent = "Play"; return; }
      play.textContent = "Stop";
      timer = setInterval(() => {
        if (!place.isConnected) { clearInterval(timer); return; }
        slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
        draw();
      }, 120);
    },
  }, "Play");
  slider.addEventListener("input", draw);
  const load = async (name) => {
    const { found, steps } = figures(await read(address(run.run, "files", "traces", name)));
    drawn = found;
    slider.max = steps - 1;
    slider.value = Math.floor(steps / 2);
    maps.replaceChildren(...found.map((figure) => figure.place));
    draw();
  };
  const choice = make("select", { "aria-label": "Example", change: () => load(choice.value) }, run.traces.map((name) => make("option", { value: name }, name.replace(/^heads-(\d+)\.safetensors$/, "length $1"))));
  place.append(make("div", { class: "tools" }, choice, slider, told, play), maps);
  load(run.traces[0]).catch((fault) => maps.replaceChildren(make("p", { class: "fault" }, fault.message)));
  return place;
}
