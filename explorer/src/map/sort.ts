/** Rows in the order of a column; what is missing comes last, and equals keep their order. */
import type { Table } from '../data/columns';

export interface Order {
  /** "": the order of the index. */
  column: string;
  down: boolean;
}

export function sorted(table: Table, rows: Uint32Array, { column, down }: Order): Uint32Array {
  const found = table.columns.get(column);
  if (!found) return rows;
  const sign = down ? -1 : 1;
  const keys = found.kind === 'number' ? found.values : rankOf(found.names, found.codes);
  return rows.slice().sort((a, b) => {
    const [x, y] = [keys[a], keys[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return sign * (x - y) || a - b;
  });
}

/** The place of each row's name in the alphabet; NaN for no name. */
function rankOf(names: readonly string[], codes: ArrayLike<number>): Float64Array {
  const order = names.map((_, code) => code).sort((a, b) => names[a].localeCompare(names[b], 'en', { numeric: true }));
  const rank = new Float64Array(names.length);
  order.forEach((code, place) => (rank[code] = names[code] === '' ? NaN : place));
  return Float64Array.from(codes, (code) => rank[code]);
}
