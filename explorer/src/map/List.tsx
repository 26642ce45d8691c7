/** The points as a table of 200 rows a page: what a screen reader reads instead of the canvas. */
import { useComputed, useSignal } from '@preact/signals';
import { chosen, compound, label, pick, pickWell, wellLabel, wellRow } from '../chosen';
import { numberAt } from '../data/columns';
import { listed, shownTable } from '../shown';
import { go, state } from '../state';
import { about } from '../tables';
import type { Level } from '../url';
import { columnWords, counted, figure, valueWords } from '../words';
import { save } from './save';
import { sorted, type Order } from './sort';

const PAGE = 200;
/** Columns that the first one says already, or that nobody reads. */
/** What a reader looks for first. */
const FIRST_COLUMNS: readonly string[] = ['hit', 'q', 'p', 'distance_z', 'moa', 'gene', 'plate', 'well', 'control_type', 'cell_count'];
const NOT_LISTED: readonly string[] = ['x', 'y', 'name', 'perturbation', 'concentration', 'smiles', 'inchikey'];
const FIRST: Readonly<Record<string, Order>> = { wells: { column: '', down: false }, perturbations: { column: 'q', down: false } };

function cell(column: string, row: number): string {
  const found = shownTable.value?.columns.get(column);
  if (!found) return '';
  if (found.kind === 'number') return figure(numberAt(shownTable.value, column, row));
  const name = found.names[found.codes[row]];
  return name === '' ? '' : valueWords(column, name);
}

/** The columns that were read, those first that a reader looks for first. */
function columnsOf(level: Level): string[] {
  const names = about.value?.columns[level].map(({ name }) => name) ?? [];
  const known = names.filter((name) => !NOT_LISTED.includes(name) && shownTable.value?.columns.has(name));
  return [...FIRST_COLUMNS.filter((name) => known.includes(name)), ...known.filter((name) => !FIRST_COLUMNS.includes(name))];
}

const isNumber = (column: string): boolean => shownTable.value?.columns.get(column)?.kind === 'number';

export function List() {
  const isWells = state.value.level === 'wells';
  const order = useSignal<Order>(FIRST[state.value.level]);
  const page = useSignal(0);
  const rows = useComputed(() => (shownTable.value ? sorted(shownTable.value, listed.value, order.value) : listed.value));
  const columns = columnsOf(state.value.level);
  const pages = Math.max(1, Math.ceil(rows.value.length / PAGE));
  const at = Math.min(page.value, pages - 1);
  const shown = rows.value.slice(at * PAGE, (at + 1) * PAGE);
  const sort = (column: string): void => {
    page.value = 0;
    order.value = { column, down: order.value.column === column && !order.value.down };
  };
  const direction = (column: string) => (order.value.column !== column ? 'none' : order.value.down ? 'descending' : 'ascending');
  const isChosen = (row: number): boolean => (isWells ? row === wellRow.value : row === chosen.value || row === compound.value);
  const unit = isWells ? 'well' : 'compound';
  return (
    <section class="pane map list" aria-label="List">
      <header>
        <h2 id="impasto-list">List</h2>
        <span role="status">
          {counted(rows.value.length, unit)}
          {pages > 1 && `, page ${at + 1} of ${pages}`}
        </span>
        <span class="tools">
          <button disabled={at === 0} onClick={() => (page.value = at - 1)}>
            previous
          </button>
          <button disabled={at === pages - 1} onClick={() => (page.value = at + 1)}>
            next
          </button>
          <button onClick={() => save(`${unit}s.csv`, shownTable.value!, rows.value)}>CSV</button>
          <button onClick={() => go({ tab: 'map' })}>map</button>
        </span>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="impasto-list">
        <table>
          <thead>
            <tr>
              <th>{unit}</th>
              {columns.map((column) => (
                <th key={column} class={isNumber(column) ? 'n' : ''} aria-sort={direction(column)}>
                  <button class="sort" onClick={() => sort(column)}>
                    {columnWords(about.value, column)}
                    <span aria-hidden="true">{{ none: '', ascending: ' ▲', descending: ' ▼' }[direction(column)]}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from(shown, (row) => (
              <tr key={row} class={isChosen(row) ? 'chosen' : ''}>
                <th scope="row">
                  <button class="link" aria-current={isChosen(row)} onClick={() => (isWells ? pickWell(row) : pick(row))}>
                    {(isWells ? wellLabel(row) : label(row)) || 'unknown'}
                  </button>
                </th>
                {columns.map((column) => (
                  <td key={column} class={isNumber(column) ? 'n' : ''}>
                    {cell(column, row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
