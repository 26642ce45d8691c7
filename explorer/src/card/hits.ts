/** Hits in the order of their corrected p. */
import { names, numbers, type Table } from '../data/columns';

/** Rows that are called; with equal corrected p the smaller p first, then the farther from controls. */
export function hitRows(table: Table | null): number[] {
  const called = names(table, 'hit');
  if (!called) return [];
  const yes = called.names.indexOf('yes');
  const [q, p, distance] = ['q', 'p', 'distance_z'].map((column) => numbers(table, column));
  const rows: number[] = [];
  called.codes.forEach((code, row) => code === yes && rows.push(row));
  const doses = numbers(table, 'concentration');
  const dosed = new Set(rows.filter((row) => doses && !Number.isNaN(doses[row])).map((row) => idOf(table, row)));
  // A compound whose doses are called stands for itself by those.
  const own = rows.filter((row) => !doses || !Number.isNaN(doses[row]) || !dosed.has(idOf(table, row)));
  return own.sort((a, b) => (q ? q[a] - q[b] : 0) || (p ? p[a] - p[b] : 0) || (distance ? distance[b] - distance[a] : 0) || a - b);
}

const idOf = (table: Table | null, row: number): number => names(table, 'perturbation')?.codes[row] ?? -1;

/** The hit after or before a row; the first or last where the row is none. */
export function stepHit(hits: readonly number[], row: number, by: number): number | null {
  if (!hits.length) return null;
  const at = hits.indexOf(row);
  if (at < 0) return by > 0 ? hits[0] : hits[hits.length - 1];
  return hits[(at + by + hits.length) % hits.length];
}
