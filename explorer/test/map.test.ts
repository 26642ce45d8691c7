import { describe, expect, it } from 'vitest';
import { corners, Grid } from '../src/map/grid';
import { DIM, disc, HIDDEN, MARKED, paint, transform, zoomed, type Scene } from '../src/map/raster';
import { sorted } from '../src/map/sort';
import { decimals3, type Point } from '../src/url';
import { random, whole } from './random';
import { table } from './tables';

function cloud(n: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: 2 * n }, () => 2.1 * next() - 1.05);
}

/** Every point, pass by pass, pixel by pixel, in plain numbers. */
function plainPaint(scene: Scene, view: { x: number; y: number; k: number }, width: number, height: number, diameter: number): Uint32Array {
  const out = new Uint32Array(width * height);
  const scale = Math.min(width, height) * 0.47 * view.k;
  const dot = (i: number, size: number, ink: number): void => {
    const px = Math.trunc((scene.at[2 * i] + view.x) * scale + width / 2);
    const py = Math.trunc(height / 2 - (scene.at[2 * i + 1] + view.y) * scale);
    const edge = diameter + 4;
    if (px < edge || py < edge || px >= width - edge || py >= height - edge) return;
    const r = size / 2;
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if ((x + 0.5 - r) ** 2 + (y + 0.5 - r) ** 2 <= r * r + 0.3) out[(py + y - Math.floor(r)) * width + px + x - Math.floor(r)] = ink;
  };
  scene.flags.forEach((flag, i) => flag === DIM && dot(i, diameter, scene.dim));
  scene.flags.forEach((flag, i) => flag === 0 && scene.colour[i] === scene.under && dot(i, diameter, scene.palette[scene.colour[i]]));
  scene.flags.forEach((flag, i) => flag === 0 && scene.colour[i] !== scene.under && dot(i, diameter, scene.palette[scene.colour[i]]));
  const large = Math.max(diameter + 3, Math.round(diameter * 1.7));
  scene.flags.forEach((flag, i) => (flag & (MARKED | HIDDEN)) === MARKED && dot(i, large, scene.palette[scene.colour[i]]));
  return out;
}

describe('painting', () => {
  it('gives the bytes of a plain loop', () => {
    const next = random(5);
    for (let turn = 0; turn < 8; turn++) {
      const n = 200;
      const flags = Uint8Array.from({ length: n }, () => [0, 0, DIM, HIDDEN, MARKED, MARKED | DIM, MARKED | HIDDEN][whole(next, 7)]);
      const palette = Uint32Array.from({ length: 256 }, () => whole(next, 2 ** 32));
      const scene = { at: cloud(n, turn + 1), colour: Uint8Array.from({ length: n }, () => whole(next, 4)), flags, palette, dim: 7, under: turn % 5 - 1 };
      const view = { x: next() - 0.5, y: next() - 0.5, k: 0.7 + 3 * next() };
      const [width, height, diameter] = [60 + whole(next, 60), 60 + whole(next, 60), 1 + whole(next, 8)];
      const out = new Uint32Array(width * height).fill(99);
      paint(scene, view, out, width, height, diameter);
      expect(out).toEqual(plainPaint(scene, view, width, height, diameter));
    }
  });
  it('keeps a disc within its diameter, and whole', () => {
    expect([...disc(1)]).toEqual([0, 0]);
    expect(disc(3).length / 2).toBe(9);
    expect(disc(4).length / 2).toBe(12);
    for (let d = 1; d < 20; d++) expect(Math.max(...disc(d).map(Math.abs))).toBeLessThanOrEqual(Math.ceil(d / 2));
  });
  it('zooms about a place that stays', () => {
    const view = { x: 0.2, y: -0.3, k: 2 };
    const [x, y] = [0.4, 0.1];
    const to = zoomed(view, 1.7, x, y);
    const at = (v: typeof view): number[] => {
      const [sx, tx, sy, ty] = transform(v, 300, 200);
      return [x * sx + tx, y * sy + ty];
    };
    at(to).forEach((pixel, i) => expect(pixel).toBeCloseTo(at(view)[i], 9));
    expect(to.k).toBeCloseTo(3.4);
    expect(zoomed(view, 1e9, 0, 0).k).toBe(400);
    expect(zoomed(view, 0, 0, 0).k).toBe(0.7);
  });
});

/** How often a loop goes round a point, by the angles between its corners. */
function turns(polygon: readonly Point[], x: number, y: number): number {
  let sum = 0;
  polygon.forEach((to, i) => {
    const from = polygon[(i + polygon.length - 1) % polygon.length];
    const [a, b] = [Math.atan2(from[1] - y, from[0] - x), Math.atan2(to[1] - y, to[0] - x)];
    let d = b - a;
    while (d > Math.PI) d -= 2 * Math.PI;
    while (d < -Math.PI) d += 2 * Math.PI;
    sum += d;
  });
  return Math.round(sum / (2 * Math.PI));
}

describe('the grid', () => {
  it('finds the nearest allowed point as a plain search does', () => {
    const at = cloud(3000, 3);
    at.set(at.subarray(0, 20), 200); // doubled places: the first of equals
    const grid = new Grid(at);
    const next = random(4);
    for (let turn = 0; turn < 200; turn++) {
      const [x, y, reach] = [2.4 * next() - 1.2, 2.4 * next() - 1.2, 0.3 * next()];
      const allowed = (i: number): boolean => i % 3 !== turn % 3;
      let [best, least] = [-1, reach * reach];
      for (let i = 0; i < 3000; i++) {
        const d = (at[2 * i] - x) ** 2 + (at[2 * i + 1] - y) ** 2;
        if (d < least && allowed(i)) [best, least] = [i, d];
      }
      expect(grid.nearest(x, y, reach, allowed)).toBe(best);
    }
    for (let i = 0; i < 10; i++) expect(grid.nearest(at[2 * i], at[2 * i + 1], 0.1, () => true)).toBe(i);
    expect(new Grid(Float32Array.of(0.25, 0, -0.25, 0)).nearest(0, 0, 1, () => true)).toBe(0); // as near as the other, and first
  });
  it('finds what a loop holds as angles do, also where it crosses itself', () => {
    const at = cloud(2000, 6);
    const grid = new Grid(at);
    const next = random(7);
    for (let turn = 0; turn < 12; turn++) {
      const polygon = Array.from({ length: 3 + whole(next, 12) }, (): Point => [2.6 * next() - 1.3, 2.6 * next() - 1.3]);
      const want = Uint8Array.from({ length: 2000 }, (_, i) => (turns(polygon, at[2 * i], at[2 * i + 1]) !== 0 ? 1 : 0));
      expect(grid.inside(polygon)).toEqual(want);
    }
  });
  it('holds what a loop along the borders of its cells holds', () => {
    const at = cloud(4000, 8);
    const grid = new Grid(at);
    const line = (bin: number): number => (bin / grid.side) * 2 - 1;
    const next = random(9);
    for (let turn = 0; turn < 6; turn++) {
      const [l, b, w, h] = [whole(next, 20), whole(next, 20), 1 + whole(next, 12), 1 + whole(next, 12)];
      const loop: Point[] = [[line(l), line(b)], [line(l + w), line(b)], [line(l + w), line(b + h)], [line(l), line(b + h)]]; // prettier-ignore
      const want = Uint8Array.from({ length: 4000 }, (_, i) => (turns(loop, at[2 * i], at[2 * i + 1]) !== 0 ? 1 : 0));
      expect(grid.inside(loop)).toEqual(want);
    }
  });
  it('holds no points, one point and points beyond its borders', () => {
    expect(new Grid(new Float32Array()).nearest(0, 0, 9, () => true)).toBe(-1);
    expect(new Grid(Float32Array.of(5, -7)).nearest(5, -7, 0.1, () => true)).toBe(0);
    expect([...new Grid(Float32Array.of(5, -7)).inside([[4, -8], [6, -8], [5, -6]])]).toEqual([1]);
    const beyond = new Grid(Float32Array.of(1.03, 0, -1.03, 0, 0, 1.03, 0, -1.03, 1.03, 0.9));
    expect([...beyond.inside([[1.01, -0.5], [1.1, -0.5], [1.1, 0.5], [1.01, 0.5]])]).toEqual([1, 0, 0, 0, 0]);
    expect([...beyond.inside([[-0.99, -0.99], [0.99, -0.99], [0.99, 0.99], [-0.99, 0.99]])]).toEqual([0, 0, 0, 0, 0]);
  });
  it('thins a drawn line to at most 64 corners', () => {
    const trace = Array.from({ length: 500 }, (_, i): Point => [i / 7, -i / 3]);
    const kept = corners(trace, 64, decimals3);
    expect(kept.length).toBeLessThanOrEqual(64);
    expect(kept.length).toBeGreaterThan(32);
    expect(kept[1]).toEqual([decimals3(8 / 7), decimals3(-8 / 3)]);
  });
});

it('rows are sorted with the missing ones last, both ways', () => {
  const of = table(5, { q: [0.5, NaN, 0.1, 0.5, NaN], name: ['b', 'C10', '', 'C9', 'a'] });
  const rows = Uint32Array.of(0, 1, 2, 3, 4);
  expect([...sorted(of, rows, { column: 'q', down: false })]).toEqual([2, 0, 3, 1, 4]);
  expect([...sorted(of, rows, { column: 'q', down: true })]).toEqual([0, 3, 2, 1, 4]);
  expect([...sorted(of, rows, { column: 'name', down: false })]).toEqual([4, 0, 3, 1, 2]);
  expect([...sorted(of, rows, { column: 'name', down: true })]).toEqual([1, 3, 0, 4, 2]);
  expect(sorted(of, rows, { column: '', down: false })).toBe(rows);
});
