/** Rows as a file that the browser saves. */
import type { Table } from '../data/columns';
import { csv } from '../data/csv';

export function save(name: string, table: Table, rows: Iterable<number>): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['\ufeff', csv(table, rows)], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
