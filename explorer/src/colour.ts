/** Colours that mean the same everywhere: control types, the ten commonest names of a column, heat, and stains. Pairs are light, dark. */

import { partsOf } from './data/parts';

type Pair = readonly [light: string, dark: string];

/** Grey negative controls, blue treatments, vermilion positive controls (Okabe and Ito), pale empty wells. */
export const CONTROL: Readonly<Record<string, Pair>> = {
  negcon: ['#5b6270', '#aab2bf'],
  trt: ['#0072b2', '#56b4e9'],
  poscon: ['#d55e00', '#e69f00'],
  empty: ['#c9ced6', '#4a5160'],
};
/** Of names beyond the ten, and of what is unknown. */
export const OTHER: Pair = ['#b9bfc9', '#59616f'];
/** Paul Tol's bright and muted schemes, for the ten commonest names of a column. */
export const NAMES = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#997700', '#7777bb', '#bb7744', '#44aa99'] as const;
/** Points that a filter or the lasso leaves out. */
export const DIMMED: Pair = ['#dde0e5', '#2b3038'];
/** What the plate and the map draw for numbers, from low to high. */
const STOPS: readonly (readonly [number, readonly [number, number, number]])[] = [
  [0, [246, 239, 225]],
  [0.35, [240, 183, 110]],
  [0.65, [204, 92, 62]],
  [1, [94, 24, 66]],
];
/** The colour that a stain is shown in: red, green, blue in 0..1. Five at once add up to white. */
const STAINS: Readonly<Record<string, readonly [number, number, number]>> = {
  DNA: [0.25, 0.42, 1],
  ER: [0, 0.85, 0.5],
  RNA: [0.72, 0.4, 1],
  AGP: [1, 0.62, 0],
  Mito: [1, 0.2, 0.35],
  Actin: [1, 0.62, 0],
  Golgi: [0, 0.8, 0.8],
  Tubulin: [0, 0.85, 0.5],
  GFP: [0.3, 1, 0.2],
  Brightfield: [0.8, 0.8, 0.8],
};
const SPARE_STAINS: readonly (readonly [number, number, number])[] = [
  [0.25, 0.42, 1],
  [0, 0.85, 0.5],
  [1, 0.62, 0],
  [1, 0.2, 0.35],
  [0, 0.8, 0.8],
];
export const HEAT_STEPS = 64;

/** The colour of a stain; a channel of another name takes one by its place. */
export function stain(channel: string, place: number): readonly [number, number, number] {
  return STAINS[channel] ?? SPARE_STAINS[place % SPARE_STAINS.length];
}

/** "#rrggbb" as a little-endian RGBA word, opaque. */
export function word(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

/** The colour of a share in 0..1; even steps of lightness. */
export function heat(share: number): string {
  const s = Math.min(1, Math.max(0, share));
  const above = Math.max(1, STOPS.findIndex(([stop]) => s <= stop));
  const [low, from] = STOPS[above - 1];
  const [high, to] = STOPS[above];
  const part = (s - low) / (high - low);
  return '#' + from.map((v, c) => Math.round(v + (to[c] - v) * part).toString(16).padStart(2, '0')).join('');
}

/** Whether ink on a heat should be light. */
export const isDark = (share: number): boolean => share > 0.6;

export interface Palette {
  /** Name's code -> entry of `colours`. */
  entry: Uint8Array;
  colours: string[];
  /** Codes of the names that have a colour of their own, in the order of their colours. */
  own: number[];
}

/**
 * The colours of a column's names.
 *
 * Control types have fixed ones. Of other columns the ten names that the index lists have their own; the rest share a grey. What is
 * filtered changes none.
 */
export function paletteOf(column: string, names: readonly string[], listed: readonly string[], dark: boolean): Palette {
  const side = dark ? 1 : 0;
  if (column === 'control_type') {
    const known = Object.keys(CONTROL);
    const entry = Uint8Array.from(names, (name) => (known.includes(name) ? known.indexOf(name) : known.length));
    const colours = [...known.map((name) => CONTROL[name][side]), OTHER[side]];
    return { entry, colours, own: known.map((name) => names.indexOf(name)).filter((code) => code >= 0) };
  }
  const colours = [...NAMES, OTHER[side]];
  const entry = new Uint8Array(names.length).fill(NAMES.length);
  const codes = new Map(names.map((name, code) => [name, code]));
  const own: number[] = [];
  listed.slice(0, NAMES.length).forEach((name, place) => {
    const code = codes.get(name);
    if (code === undefined) return;
    entry[code] = place;
    own.push(code);
  });
  // Several genes at once have the colour of the first of them that has one.
  names.forEach((name, code) => {
    if (entry[code] < NAMES.length) return;
    const place = partsOf(column, name).map((part) => listed.indexOf(part)).find((at) => at >= 0 && at < NAMES.length);
    if (place !== undefined) entry[code] = place;
  });
  return { entry, colours, own };
}

/** The heat of numbers: 64 steps from the 1st to the 99th of a hundred, and grey for what is missing. */
export function heatOf(values: Float32Array, dark: boolean): { entry: Uint8Array; colours: string[]; range: [number, number] } {
  const range = spread(values, 0.01);
  const [low, high] = range;
  const step = (HEAT_STEPS - 1) / (high - low || 1);
  const entry = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    entry[i] = v !== v ? HEAT_STEPS : Math.max(0, Math.min(HEAT_STEPS - 1, Math.round((v - low) * step)));
  }
  const steps = Array.from({ length: HEAT_STEPS }, (_, i) => heat(i / (HEAT_STEPS - 1)));
  return { entry, colours: [...steps, OTHER[dark ? 1 : 0]], range };
}

/** The values that `share` of the finite ones lie below and above. */
export function spread(values: ArrayLike<number>, share: number): [number, number] {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  if (!sorted.length) return [0, 1];
  const last = sorted.length - 1;
  return [sorted[Math.floor(last * share)], sorted[Math.ceil(last * (1 - share))]];
}
