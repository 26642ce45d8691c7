import type { Column, Table } from '../src/data/columns';

/** A table of columns written as plain lists. */
export function table(rows: number, lists: Record<string, (string | number)[]>): Table {
  const columns = new Map<string, Column>();
  for (const [name, list] of Object.entries(lists)) {
    if (list.length !== rows) throw new Error(`${name} has ${list.length} rows of ${rows}`);
    if (typeof list[0] === 'number') columns.set(name, { kind: 'number', values: Float32Array.from(list as number[]) });
    else {
      const names = [...new Set(list as string[])].sort();
      const codes = Int32Array.from(list as string[], (value) => names.indexOf(value));
      const counts = Uint32Array.from(names, (value) => list.filter((other) => other === value).length);
      columns.set(name, { kind: 'category', names, codes, counts });
    }
  }
  return { rows, columns };
}
