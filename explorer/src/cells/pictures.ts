/** Planes that were read, and how they become a picture. */
import type { Box, Pixels } from '../data/source';
import { theSource } from '../tables';
import { Cache } from './cache';
import { composite, packed, type Ink } from './composite';
import { cut, type Read } from './frame';

const MOST_BYTES = 96 * 2 ** 20;
const planes = new Cache<Pixels>(MOST_BYTES, (pixels) => pixels.values.byteLength);
const MOST_TABLES = 64;
const tables = new Map<string, Uint32Array>();

/** One plane of a field, or of a box of it. */
export function plane(image: number, channel: string, { box, shrink }: Read): Promise<Pixels> {
  const key = [image, channel, box?.join() ?? '', shrink].join('/');
  return planes.get(key, () => theSource().pixels(image, channel, box, shrink));
}

/** A table of packed colour; the last ones are kept. */
function tableOf(ink: Ink, channels: number): Uint32Array {
  const key = [ink.low, ink.high, ...ink.colour, channels].join('/');
  let table = tables.get(key);
  if (!table) {
    tables.set(key, (table = packed(ink, channels)));
    if (tables.size > MOST_TABLES) tables.delete(tables.keys().next().value!);
  }
  return table;
}

/** Paint what is seen of some channels. */
export function paintField(canvas: HTMLCanvasElement, shown: readonly { pixels: Pixels; ink: Ink }[], read: Read, seen: Box): void {
  const started = performance.now();
  const cuts = shown.map(({ pixels }) => cut(pixels, read, seen));
  const side = Math.min(...cuts.map((one) => one.side));
  canvas.width = canvas.height = side;
  const picture = new ImageData(side, side);
  composite(
    cuts.map((one) => one.values),
    shown.map(({ ink }) => tableOf(ink, shown.length)),
    new Uint32Array(picture.data.buffer),
  );
  canvas.getContext('2d')!.putImageData(picture, 0, 0);
  canvas.dataset['composeMs'] = (performance.now() - started).toFixed(1);
}
