// Curves of numbers against numbers, drawn by plotly.js; it is fetched when the first is wanted.
import { make } from "/dom.js";

let library;

function load() {
  library ??= new Promise((done, failed) => {
    const script = make("script", { src: "/plotly.js", load: () => done(window.Plotly), error: () => failed(new Error("plotly.js cannot be loaded.")) });
    document.head.append(script);
  });
  return library;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const palette = ["#1f77b4", "#e07b00", "#2a9d4a", "#d1495b", "#8661c1", "#8c564b", "#d65db1", "#6b7785", "#9a9a00", "#0fa3b1"];

function layout(horizontal, vertical, logarithmic) {
  const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true };
  return {
    margin: { l: 56, r: 12, t: 8, b: 44 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { color: colour("--ink"), size: 12, family: "system-ui, sans-serif" },
    xaxis: { ...axis, title: { text: horizontal } },
    yaxis: { ...axis, title: { text: vertical }, type: logarithmic ? "log" : "linear", rangemode: logarithmic ? "normal" : "tozero" },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hovermode: "closest",
    uirevision: "kept",
  };
}

/** A chart of lines {name, x, y, dash, markers}; `draw` may be called again with others. */
export function chart(label, horizontal, vertical) {
  const place = make("div", { class: "plot", role: "img", "aria-label": label });
  let last;
  const draw = async (lines, logarithmic = false) => {
    last = { lines, logarithmic };
    const plotly = await load();
    const traces = lines.map((line, index) => ({
      name: line.name, x: line.x, y: line.y, type: "scatter", mode: line.markers ? "lines+markers" : "lines",
      line: { width: 1.8, dash: line.dash ?? "solid", color: line.colour ?? palette[index % palette.length] },
    }));
    if (place.isConnected) await plotly.react(place, traces, layout(horizontal, vertical, logarithmic), { responsive: true, displaylogo: false, displayModeBar: false });
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => last && draw(last.lines, last.logarithmic));
  return { place, draw };
}
