// Matrices as pictures, one pixel a value, scaled by the browser.
import { make } from "/dom.js";

// Viridis at eleven places (Smith and van der Walt 2015), and a scale with white at zero for values of both signs.
const viridis = [[68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140], [34, 168, 132], [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37]];
const signed = [[33, 80, 150], [120, 165, 215], [245, 245, 245], [225, 140, 120], [170, 40, 45]];

function shade(scale, part) {
  const place = Math.min(Math.max(part, 0), 1) * (scale.length - 1);
  const low = Math.min(Math.floor(place), scale.length - 2);
  return [0, 1, 2].map((channel) => scale[low][channel] + (place - low) * (scale[low + 1][channel] - scale[low][channel]));
}

/** The range of values: from zero for those without a sign, else as far to both sides. */
export function rangeOf(values) {
  let low = 0, high = 0;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  const most = Math.max(-low, high) || 1;
  return low < 0 ? { low: -most, high: most, scale: signed } : { low: 0, high: most, scale: viridis };
}

/** A canvas of `rows` x `columns`, at least a few pixels each, with a mark over one column or none. */
export function heatmap(label) {
  const canvas = make("canvas", { class: "map", role: "img", "aria-label": label });
  const draw = (rows, columns, at, { low, high, scale }, marked = -1) => {
    canvas.width = columns;
    canvas.height = rows;
    const tall = Math.min(Math.max(rows * 6, 60), 420);
    canvas.style.height = `${tall}px`;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [red, green, blue] = shade(scale, (at(row, column) - low) / (high - low));
        const faded = marked >= 0 && column !== marked ? 0.72 : 1;
        image.data.set([red * faded, green * faded, blue * faded, 255], 4 * (row * columns + column));
      }
    }
    pen.putImageData(image, 0, 0);
  };
  return { canvas, draw };
}
