// Reads a safetensors file: the length of a header, the header as JSON, and little-endian values.

/** Tensors by name: {shape, values}. */
export async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  const length = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    if (name === "__metadata__" || dtype !== "F32") continue;
    tensors[name] = { shape, values: new Float32Array(bytes.slice(8 + length + from, 8 + length + to)) };
  }
  return tensors;
}
