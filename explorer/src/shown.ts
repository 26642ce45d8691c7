/** The points of the map: where they lie, which are kept, which lie in the lasso, and their colours. */
import { computed } from '@preact/signals';
import { compound, members } from './chosen';
import { heatOf, HEAT_STEPS, paletteOf } from './colour';
import { numbers, type Table } from './data/columns';
import { holds } from './data/parts';
import { kept } from './filters';
import { Grid } from './map/grid';
import { DIM, HIDDEN, MARKED } from './map/raster';
import { dark, state } from './state';
import { about, perturbations, wells } from './tables';

export interface Points {
  table: Table;
  at: Float32Array;
  grid: Grid;
}
export interface Legend {
  name: string;
  colour: string;
  count: number;
}
export interface Look {
  colour: Uint8Array;
  colours: string[];
  legend: Legend[];
  /** Entry of the colours that lies below the others; -1 for none. */
  under: number;
  /** Of numbers; null for names. */
  range: [number, number] | null;
}

const level = computed(() => state.value.level);
const only = computed(() => state.value.only);
const lasso = computed(() => state.value.lasso);
const by = computed(() => state.value.by);
/** The table whose rows are the points. */
export const shownTable = computed(() => (level.value === 'wells' ? wells.value : perturbations.value));
const x = computed(() => numbers(shownTable.value, 'x'));
const y = computed(() => numbers(shownTable.value, 'y'));

/** Places that stay as they are when further columns come. */
const places = computed(() => {
  const [xs, ys] = [x.value, y.value];
  if (!xs || !ys) return null;
  const at = new Float32Array(2 * xs.length);
  for (let i = 0; i < xs.length; i++) {
    at[2 * i] = xs[i];
    at[2 * i + 1] = ys[i];
  }
  return { at, grid: new Grid(at) };
});

export const points = computed<Points | null>(() => {
  const [table, where] = [shownTable.value, places.value];
  return table && where ? { table, ...where } : null;
});

/** Doses of a compound have no point of their own. */
const hidden = computed<Uint8Array | null>(() => {
  const doses = level.value === 'perturbations' ? numbers(perturbations.value, 'concentration') : null;
  return doses && Uint8Array.from(doses, (dose) => (Number.isNaN(dose) ? 0 : 1));
});

/** 1 for every row that the filters keep and that has a point. */
export const keep = computed<Uint8Array>(() => {
  const table = shownTable.value;
  if (!table) return new Uint8Array();
  const keeps = kept(table, only.value);
  const without = hidden.value;
  if (without) for (let i = 0; i < keeps.length; i++) keeps[i] &= 1 - without[i];
  return keeps;
});

/** 1 for every kept row in the lasso; null without one. */
export const inLasso = computed<Uint8Array | null>(() => {
  const where = places.value;
  if (!where || !lasso.value.length) return null;
  const inside = where.grid.inside(lasso.value);
  const keeps = keep.value;
  for (let i = 0; i < inside.length; i++) inside[i] &= keeps[i];
  return inside;
});

/** The rows of the lasso, or of all that is kept. */
export const listed = computed<Uint32Array>(() => {
  const of = inLasso.value ?? keep.value;
  const rows = new Uint32Array(of.length);
  let n = 0;
  for (let i = 0; i < of.length; i++) if (of[i]) rows[n++] = i;
  return rows.slice(0, n);
});

export const flags = computed<Uint8Array>(() => {
  const keeps = keep.value;
  const inside = inLasso.value;
  const without = hidden.value;
  const marks = new Uint8Array(keeps.length);
  for (let i = 0; i < marks.length; i++) marks[i] = without?.[i] ? HIDDEN : keeps[i] && (!inside || inside[i]) ? 0 : DIM;
  if (level.value === 'wells') for (const row of members.value) marks[row] = MARKED;
  else if (compound.value >= 0) marks[compound.value] = MARKED;
  return marks;
});

const column = computed(() => shownTable.value?.columns.get(by.value) ?? null);
const rowCount = computed(() => shownTable.value?.rows ?? 0);

export const look = computed<Look | null>(() => {
  const of = column.value;
  if (!rowCount.value) return null;
  if (of?.kind === 'number') {
    const { entry, colours, range } = heatOf(of.values, dark.value);
    return { colour: entry, colours, range, legend: [], under: HEAT_STEPS };
  }
  if (!of) {
    const grey = paletteOf('', [], [], dark.value).colours.slice(-1);
    return { colour: new Uint8Array(rowCount.value), colours: grey, legend: [], range: null, under: -1 };
  }
  const { entry, colours, own } = paletteOf(by.value, of.names, about.value?.colours[by.value] ?? [], dark.value);
  const colour = new Uint8Array(of.codes.length);
  for (let i = 0; i < colour.length; i++) colour[i] = entry[of.codes[i]];
  const counts = hidden.value ? countsWithout(of.codes, of.names.length, hidden.value) : of.counts;
  const holding = (name: string): number => of.names.reduce((sum, value, code) => sum + (holds(by.value, value, name) ? counts[code] : 0), 0);
  const legend = own.map((code) => ({ name: of.names[code], colour: colours[entry[code]], count: holding(of.names[code]) }));
  return { colour, colours, legend, range: null, under: colours.length - 1 };
});

function countsWithout(codes: ArrayLike<number>, n: number, without: Uint8Array): Uint32Array {
  const counts = new Uint32Array(n);
  for (let i = 0; i < codes.length; i++) if (!without[i]) counts[codes[i]]++;
  return counts;
}
