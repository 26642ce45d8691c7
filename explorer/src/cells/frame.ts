/** Which part of a field is seen, and what must be read for it. */
import type { Box } from '../data/source';

export interface Look {
  /** 1: the whole of the shorter side. */
  zoom: number;
  /** Middle of what is seen, as shares of the field. */
  x: number;
  y: number;
}
export interface Read {
  box: Box | null;
  shrink: number;
}
export const WHOLE: Look = { zoom: 1, x: 0.5, y: 0.5 };
const MOST_ZOOM = 16;
/** Fields up to so many pixels are read whole: 1080 x 1080 is. */
const MOST_PIXELS = 1_300_000;
const MOST_SHRINK = 4;
const GRID = 64;

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** A look within its bounds: nothing beyond the field is seen. */
export function bounded(look: Look, width: number, height: number): Look {
  const zoom = clamp(look.zoom, 1, MOST_ZOOM);
  const half = Math.min(width, height) / zoom / 2;
  return { zoom, x: clamp(look.x, half / width, 1 - half / width), y: clamp(look.y, half / height, 1 - half / height) };
}

/** The square that is seen, in pixels of the unshrunken field. */
export function seen(look: Look, width: number, height: number): Box {
  const { zoom, x, y } = bounded(look, width, height);
  const side = Math.max(1, Math.round(Math.min(width, height) / zoom));
  return [clamp(Math.round(x * width - side / 2), 0, width - side), clamp(Math.round(y * height - side / 2), 0, height - side), side, side];
}

/** What to read: the whole field, shrunken until it is small; or a box of it, where that is not sharp enough for the pixels shown. */
export function toRead(look: Look, width: number, height: number, shown: number): Read {
  let shrink = 0;
  while ((width * height) / 4 ** shrink > MOST_PIXELS && shrink < MOST_SHRINK) shrink++;
  const [x, y, side] = seen(look, width, height);
  if (shrink === 0 || side / 2 ** shrink >= shown) return { box: null, shrink };
  let finer = shrink;
  while (finer > 0 && side / 2 ** finer < shown) finer--;
  const left = Math.floor(x / GRID) * GRID;
  const top = Math.floor(y / GRID) * GRID;
  const right = Math.min(width, Math.ceil((x + side) / GRID) * GRID);
  const bottom = Math.min(height, Math.ceil((y + side) / GRID) * GRID);
  return { box: [left, top, right - left, bottom - top], shrink: finer };
}

/** Rows of a plane cut to the square that is seen; `read` says what the plane holds. */
export function cut(plane: { width: number; height: number; values: Uint16Array }, read: Read, box: Box): { side: number; values: Uint16Array } {
  const scale = 2 ** read.shrink;
  const [left, top] = read.box ?? [0, 0];
  const side = Math.max(1, Math.min(plane.width, plane.height, Math.floor(box[2] / scale)));
  const x = clamp(Math.floor((box[0] - left) / scale), 0, plane.width - side);
  const y = clamp(Math.floor((box[1] - top) / scale), 0, plane.height - side);
  if (side === plane.width && side === plane.height) return { side, values: plane.values };
  const values = new Uint16Array(side * side);
  for (let row = 0; row < side; row++) {
    const from = (y + row) * plane.width + x;
    values.set(plane.values.subarray(from, from + side), row * side);
  }
  return { side, values };
}
