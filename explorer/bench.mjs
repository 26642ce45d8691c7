// What the page computes, timed alone: milliseconds of processor time of each (median), as JSON. Run: node bench.mjs
import { build } from 'esbuild';

const entry = `
export { Grid } from './src/map/grid.ts';
export { paint } from './src/map/raster.ts';
export { match, prepare } from './src/search/match.ts';
export { composite, packed } from './src/cells/composite.ts';`;
const { outputFiles } = await build({
  stdin: { contents: entry, resolveDir: import.meta.dirname, loader: 'ts' },
  bundle: true,
  format: 'esm',
  write: false,
  logLevel: 'warning',
});
const { Grid, paint, match, prepare, composite, packed } = await import('data:text/javascript,' + encodeURIComponent(outputFiles[0].text));

let state = 1;
const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
function median(work, times = 15) {
  work();
  const took = Array.from({ length: times }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return took.sort((a, b) => a - b)[Math.floor(times / 2)];
}
/** Points in 300 clouds. */
function cloud(n) {
  const middles = Array.from({ length: 600 }, () => 1.6 * random() - 0.8);
  return Float32Array.from({ length: 2 * n }, (_, i) => middles[2 * ((i >> 1) % 300) + (i & 1)] + 0.15 * (random() - 0.5));
}
function scene(n) {
  const palette = Uint32Array.from({ length: 256 }, (_, i) => 0xff000000 + i * 65793);
  return { at: cloud(n), colour: Uint8Array.from({ length: n }, (_, i) => i % 11), flags: new Uint8Array(n), palette, dim: 1, under: 10 };
}
const view = { x: 0, y: 0, k: 1 };
const took = {};
for (const [n, fine] of [[200_000, 2], [1_000_000, 1]]) {
  const points = scene(n);
  const [w, h] = [740 * fine, 520 * fine];
  const out = new Uint32Array(w * h);
  const diameter = Math.round(fine * Math.max(2, 5 * (8000 / n) ** 0.25));
  took[`paint ${n}`] = median(() => paint(points, view, out, w, h, diameter));
  if (n > 200_000) continue;
  const grid = new Grid(points.at);
  const loop = Array.from({ length: 64 }, (_, i) => [0.9 * Math.cos(i / 10.2), 0.9 * Math.sin(i / 10.2)]);
  took[`lasso ${n}`] = median(() => grid.inside(loop));
  took[`index ${n}`] = median(() => new Grid(points.at), 5);
}
const names = Array.from({ length: 125_000 }, (_, i) => `Compound-${i}`);
const ready = prepare('compound', names, names.map(() => 8));
took['names 125000'] = Math.max(...['c', 'compound 12', '99', 'nothing'].map((query) => median(() => match(query, [ready]))));
const side = 1080;
const planes = Array.from({ length: 5 }, () => Uint16Array.from({ length: side * side }, () => 3000 * random() ** 3));
const inks = planes.map((_, i) => ({ low: 100, high: 2000 + 100 * i, colour: [(i % 3) / 2, ((i + 1) % 3) / 2, ((i + 2) % 3) / 2] }));
const tables = inks.map((ink) => packed(ink, 5));
const picture = new Uint32Array(side * side);
took['compose 1080 x 1080 x 5'] = median(() => composite(planes, tables, picture));
took['five tables'] = median(() => inks.map((ink) => packed(ink, 5)));
console.log(JSON.stringify(took));
