/** Rows that the filters keep. */
import { names, numbers, type Table } from './data/columns';
import type { Filter } from './url';

/** 1 for every row that all filters keep. A filter whose column the table lacks keeps all; see `lacking`. */
export function kept(table: Table, filters: readonly Filter[]): Uint8Array {
  const keep = new Uint8Array(table.rows).fill(1);
  for (const filter of filters) {
    if ('values' in filter) {
      const column = names(table, filter.column);
      if (!column) continue;
      const wanted = Uint8Array.from(column.names, (name) => (filter.values.includes(name) ? 1 : 0));
      for (let i = 0; i < keep.length; i++) keep[i] &= wanted[column.codes[i]];
    } else {
      const values = numbers(table, filter.column);
      if (!values) continue;
      for (let i = 0; i < keep.length; i++) if (!(values[i] >= filter.low && values[i] <= filter.high)) keep[i] = 0;
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
