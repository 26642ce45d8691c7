/** What the lasso holds: how many, which values stand in it more often than by chance, and the rows as a file. */
import { useComputed, useSignalEffect } from '@preact/signals';
import { inLasso, keep, listed, shownTable } from '../shown';
import { go, state } from '../state';
import { about, need, perturbations, wells } from '../tables';
import type { Filter } from '../url';
import { columnWords, counted, percent, small, valueWords } from '../words';
import { enriched } from './enrich';
import { save } from './save';
import { OF_COMPOUND, OF_WELL, questions } from './units';

/** False discovery rate. */
const RATE = 0.05;
const SHOWN = 8;

function showOnly(column: string, value: string): void {
  const others = state.value.only.filter((filter) => filter.column !== column);
  void need(state.value.level, [column]);
  go({ only: [...others, { column, values: [value] } satisfies Filter], lasso: [] });
}

export function Lasso() {
  useSignalEffect(() => {
    if (about.value) void need('wells', [...OF_COMPOUND, ...OF_WELL]);
  });
  const asked = useComputed(() => {
    const inside = inLasso.value;
    return inside ? questions(state.value.level, wells.value, perturbations.value, inside, keep.value) : [];
  });
  const rows = useComputed(() => enriched(asked.value).filter(({ q }) => q < RATE));
  const { level } = state.value;
  const unit = level === 'wells' ? 'well' : 'compound';
  const n = listed.value.length;
  return (
    <section class="lassoed" aria-label="In the lasso">
      <header>
        <b role="status">{counted(n, unit)} in the lasso</b>
        <button disabled={!n} onClick={() => save('selection.csv', shownTable.value!, listed.value)}>
          CSV
        </button>
        <button disabled={!n} onClick={() => go({ tab: 'list' })}>
          list
        </button>
        <button onClick={() => go({ lasso: [] })}>clear</button>
      </header>
      {rows.value.length > 0 ? (
        <table>
          <thead>
            <tr>
              <th>more often than by chance</th>
              <th class="n">here</th>
              <th class="n">of all</th>
              <th class="n">corrected p</th>
            </tr>
          </thead>
          <tbody>
            {rows.value.slice(0, SHOWN).map((row) => (
              <tr key={row.column + row.name}>
                <td>
                  <button class="link" title="show only these" onClick={() => showOnly(row.column, row.name)}>
                    {valueWords(row.column, row.name)}
                  </button>{' '}
                  <small>{columnWords(about.value, row.column)}</small>
                </td>
                <td class="n">{row.inside}</td>
                <td class="n" title={percent(row.inside / row.all)}>
                  {row.all.toLocaleString('en')}
                </td>
                <td class="n">{small(row.q)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="note">No gene, mechanism, plate or other value stands here more often than by chance (5 % false discovery).</p>
      )}
      {rows.value.length > 0 && (
        <p class="note">Genes and mechanisms are counted by compound (more than half of its wells in the lasso), plates and batches by well.</p>
      )}
    </section>
  );
}
