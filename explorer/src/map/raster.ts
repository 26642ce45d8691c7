/** Points painted into pixels by the processor: no WebGL, and the same bytes on every machine. */
import type { View } from '../url';

/** Bits of a point's flags. */
export const DIM = 1;
export const HIDDEN = 2;
export const MARKED = 4;

export interface Scene {
  /** x0, y0, x1, y1, ... in -1..1, y upwards. */
  at: Float32Array;
  /** Entry of the palette. */
  colour: Uint8Array;
  flags: Uint8Array;
  /** RGBA as little-endian words. */
  palette: Uint32Array;
  dim: number;
}

/** Pixels = data * scale + shift, of each axis: sx, tx, sy, ty. */
export function transform(view: View, width: number, height: number): [number, number, number, number] {
  const scale = Math.min(width, height) * 0.47 * view.k;
  return [scale, width / 2 + view.x * scale, -scale, height / 2 - view.y * scale];
}

/** The view after zooming by a factor about a point of the data, which stays where it is. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const k = Math.max(0.7, Math.min(400, view.k * factor));
  return { k, x: ((view.x + x) * view.k) / k - x, y: ((view.y + y) * view.k) / k - y };
}

/** Width of a point in pixels of the page. */
export function diameterOf(n: number, k: number): number {
  return Math.max(2, Math.min(10, 6 * (8000 / Math.max(n, 2000)) ** 0.25 * k ** 0.3));
}

/** Offsets dx, dy, ... of a disc about its middle. */
export function disc(diameter: number): Int16Array {
  const offsets: number[] = [];
  const radius = diameter / 2;
  const middle = Math.floor(radius);
  for (let y = 0; y < diameter; y++) {
    for (let x = 0; x < diameter; x++) {
      if ((x + 0.5 - radius) ** 2 + (y + 0.5 - radius) ** 2 <= radius * radius + 0.3) offsets.push(x - middle, y - middle);
    }
  }
  return Int16Array.from(offsets);
}

/** A disc's offsets as steps in a picture of a width. */
function steps(diameter: number, width: number): Int32Array {
  const offsets = disc(diameter);
  return Int32Array.from({ length: offsets.length / 2 }, (_, i) => offsets[2 * i + 1] * width + offsets[2 * i]);
}

/**
 * Paint every point that is not hidden: dimmed ones first, then the others in their order, marked ones last and larger.
 *
 * `out` has width x height words; points nearer to its border than their size are left out.
 */
export function paint(scene: Scene, view: View, out: Uint32Array, width: number, height: number, diameter: number): void {
  out.fill(0);
  const small = steps(diameter, width);
  const large = steps(Math.max(diameter + 3, Math.round(diameter * 1.7)), width);
  const edge = diameter + 4;
  const { flags } = scene;
  let seen = 0;
  for (let i = 0; i < flags.length; i++) seen |= 1 << (flags[i] & 7);
  const dims = (1 << DIM) | (1 << (DIM | MARKED));
  const passes: [number, number, Int32Array][] = [];
  if (seen & dims) passes.push([DIM, DIM, small]);
  passes.push([0, 0, small]);
  if (seen & ((1 << MARKED) | (1 << (MARKED | DIM)))) passes.push([MARKED, MARKED, large]);
  for (const [, value, stamp] of passes) pass(scene, view, out, width, height, edge, value, stamp);
}

function pass(scene: Scene, view: View, out: Uint32Array, width: number, height: number, edge: number, value: number, stamp: Int32Array): void {
  const { at, colour, flags, palette, dim } = scene;
  const [sx, tx, sy, ty] = transform(view, width, height);
  const right = width - edge;
  const bottom = height - edge;
  const mask = value === MARKED ? MARKED | HIDDEN : DIM | HIDDEN | MARKED;
  for (let i = 0; i < flags.length; i++) {
    if ((flags[i] & mask) !== value) continue;
    const x = (at[2 * i] * sx + tx) | 0;
    const y = (at[2 * i + 1] * sy + ty) | 0;
    if (x < edge || y < edge || x >= right || y >= bottom) continue;
    const ink = value === DIM ? dim : palette[colour[i]];
    const middle = y * width + x;
    for (let k = 0; k < stamp.length; k++) out[middle + stamp[k]] = ink;
  }
}
