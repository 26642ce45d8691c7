/** Rows that the filters keep. */
import { names, numbers, plain, type Table } from './data/columns';
import { holds } from './data/parts';
import type { Filter } from './url';

/** 1 for every row that all filters keep; one of several genes is enough. A filter whose column the table lacks keeps all; see `lacking`. */
export function kept(table: Table, filters: readonly Filter[]): Uint8Array {
  const keep = new Uint8Array(table.rows).fill(1);
  for (const filter of filters) {
    if ('values' in filter) {
      const column = names(table, filter.column);
      if (!column) continue;
      const wanted = Uint8Array.from(column.names, (name) => (filter.values.some((value) => holds(filter.column, name, value)) ? 1 : 0));
      for (let i = 0; i < keep.length; i++) keep[i] &= wanted[column.codes[i]];
    } else {
      const values = numbers(table, filter.column);
      if (!values) continue;
      // As the numbers are kept, so that a dose typed as 0.3 is one of 0.3.
      const [low, high] = [Math.fround(filter.low), Math.fround(filter.high)];
      for (let i = 0; i < keep.length; i++) if (!(values[i] >= low && values[i] <= high)) keep[i] = 0;
    }
  }
  return keep;
}

/** The filters after a value of a column was switched; a filter without values goes. */
export function switched(filters: readonly Filter[], column: string, value: string): Filter[] {
  const own = filters.find((filter) => filter.column === column);
  const before = own && 'values' in own ? own.values : [];
  const values = before.includes(value) ? before.filter((name) => name !== value) : [...before, value];
  const others = filters.filter((filter) => filter.column !== column);
  return values.length ? [...others, { column, values }] : others;
}

const OUTWARDS = 1e-5;

/** The least and the largest of the known values, in few digits and rounded outwards. */
export function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 0];
  const [least, largest] = [plain(low), plain(high)];
  return [least > low ? plain(low - Math.abs(low) * OUTWARDS) : least, largest < high ? plain(high + Math.abs(high) * OUTWARDS) : largest];
}

/** The filters after the bounds of a number were typed. An empty bound is the end of what there is; two of them are no filter. */
export function bounded(filters: readonly Filter[], column: string, typed: readonly [string, string], ends: readonly [number, number]): Filter[] {
  const others = filters.filter((filter) => filter.column !== column);
  const [a, b] = typed.map((text, i) => (text.trim() === '' || !Number.isFinite(Number(text)) ? ends[i] : Number(text))) as [number, number];
  const [low, high] = a <= b ? [a, b] : [b, a];
  return low <= ends[0] && high >= ends[1] ? others : [...others, { column, low, high }];
}
