/** Rows of a table as CSV. Text that a spreadsheet would take for a formula is quoted with an apostrophe. */
import { plain, type Table } from './columns';

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** The columns of a table in their order; missing numbers are empty. */
export function csv(table: Table, rows: Iterable<number>): string {
  const columns = [...table.columns];
  const lines = [columns.map(([name]) => cell(name)).join(',')];
  for (const row of rows) {
    const line = columns.map(([, column]) => {
      if (column.kind === 'category') return cell(column.names[column.codes[row]] ?? '');
      const value = column.values[row];
      return Number.isNaN(value) ? '' : String(plain(value));
    });
    lines.push(line.join(','));
  }
  return lines.join('\r\n') + '\r\n';
}
