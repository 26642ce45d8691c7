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
  /** Entry of the palette that lies below the others: names without a colour of their own; -1 for none. */
  under: number;
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
  return Math.max(2, Math.min(10, 5 * (8000 / Math.max(n, 2000)) ** 0.25 * k ** 0.3));
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

/** What one turn over all points paints. */
interface Pass {
  /** Flags & mask must be this. */
  mask: number;
  value: number;
  /** 1 for the entries of the palette that it paints. */
  entries: Uint8Array;
  stamp: Int32Array;
}

/**
 * Paint every point that is not hidden: dimmed ones first, then those that lie under the others, the others in their order, and marked
 * ones last and larger.
 *
 * `out` has width x height words; points nearer to its border than their size are left out.
 */
export function paint(scene: Scene, view: View, out: Uint32Array, width: number, height: number, diameter: number): void {
  out.fill(0);
  const small = steps(diameter, width);
  const large = steps(Math.max(diameter + 3, Math.round(diameter * 1.7)), width);
  const all = new Uint8Array(256).fill(1);
  const below = Uint8Array.from(all, (_, entry) => (entry === scene.under ? 1 : 0));
  const others = below.map((is) => 1 - is);
  let seen = 0;
  for (let i = 0; i < scene.flags.length; i++) seen |= scene.flags[i];
  const plain = DIM | HIDDEN | MARKED;
  const passes: Pass[] = [];
  if (seen & DIM) passes.push({ mask: plain, value: DIM, entries: all, stamp: small });
  if (scene.under >= 0) passes.push({ mask: plain, value: 0, entries: below, stamp: small });
  passes.push({ mask: plain, value: 0, entries: others, stamp: small });
  if (seen & MARKED) passes.push({ mask: MARKED | HIDDEN, value: MARKED, entries: all, stamp: large });
  for (const pass of passes) paintPass(scene, view, out, width, height, diameter + 4, pass);
}

function paintPass(scene: Scene, view: View, out: Uint32Array, width: number, height: number, edge: number, pass: Pass): void {
  const { at, colour, flags, palette, dim } = scene;
  const { mask, value, entries, stamp } = pass;
  const [sx, tx, sy, ty] = transform(view, width, height);
  const right = width - edge;
  const bottom = height - edge;
  for (let i = 0; i < flags.length; i++) {
    if ((flags[i] & mask) !== value || !entries[colour[i]]) continue;
    const x = (at[2 * i] * sx + tx) | 0;
    const y = (at[2 * i + 1] * sy + ty) | 0;
    if (x < edge || y < edge || x >= right || y >= bottom) continue;
    const ink = value === DIM ? dim : palette[colour[i]];
    const middle = y * width + x;
    for (let k = 0; k < stamp.length; k++) out[middle + stamp[k]] = ink;
  }
}
