/** The pane of the map: what is shown, in which colours, and what the lasso holds. */
import { useComputed, useSignal } from '@preact/signals';
import { heat } from '../colour';
import { numbers } from '../data/columns';
import { bounded, extent, switched } from '../filters';
import { look, shownTable } from '../shown';
import { go, state, turn } from '../state';
import { about, has, need } from '../tables';
import { START, type Level } from '../url';
import { columnWords, counted, figure, valueWords } from '../words';
import { Lasso } from './Lasso';
import { Plot, zoom } from './Plot';

const NOT_COLOURS: readonly string[] = ['x', 'y', 'smiles', 'inchikey', 'perturbation', 'well'];
const STEP = 1.4;

/** From low to high, with its ends. */
export function Ramp({ range }: { range: readonly [number, number] }) {
  const stops = [0, 0.35, 0.65, 1].map(heat).join(',');
  return (
    <span class="ramp">
      <small>{figure(range[0])}</small>
      <i style={{ background: `linear-gradient(90deg, ${stops})` }} />
      <small>{figure(range[1])}</small>
    </span>
  );
}

/** Two fields that leave only the rows with a number between them; an empty one sets no bound. */
function Between({ column }: { column: string }) {
  const { only } = state.value;
  const filter = only.find((one) => one.column === column);
  const own = filter && 'low' in filter ? filter : null;
  const ends = useComputed(() => extent(numbers(shownTable.value, column) ?? []));
  const change = (low: string, high: string): void => go({ only: bounded(only, column, [low, high], ends.value) });
  const field = (which: 'low' | 'high', words: string) => (
    <label>
      {words}{' '}
      <input
        type="number"
        step="any"
        placeholder={figure(ends.value[which === 'low' ? 0 : 1])}
        value={own && own[which] !== ends.value[which === 'low' ? 0 : 1] ? own[which] : ''}
        aria-label={`${columnWords(about.value, column)} ${words}`}
        onChange={({ currentTarget: { value } }) => change(which === 'low' ? value : String(own?.low ?? ''), which === 'high' ? value : String(own?.high ?? ''))}
      />
    </label>
  );
  return (
    <span class="between" role="group" aria-label={`only ${columnWords(about.value, column)}`}>
      only {field('low', 'from')} {field('high', 'to')}
    </span>
  );
}

function Legend() {
  const { by, only } = state.value;
  const shown = look.value;
  if (!shown || (!shown.range && !shown.legend.length)) return null;
  if (shown.range) {
    return (
      <>
        <Ramp range={shown.range} />
        <Between key={by} column={by} />
      </>
    );
  }
  const filter = only.find(({ column }) => column === by);
  const on = (name: string): boolean => filter !== undefined && 'values' in filter && filter.values.includes(name);
  return (
    <ul class="legend" aria-label={`${columnWords(about.value, by)}: show only`}>
      {shown.legend.map(({ name, colour, count }) => (
        <li key={name}>
          <button class="chip" title={valueWords(by, name)} aria-pressed={on(name)} onClick={() => go({ only: switched(only, by, name) })}>
            <i style={{ background: colour }} />
            {valueWords(by, name)} <small>{count.toLocaleString('en')}</small>
          </button>
        </li>
      ))}
    </ul>
  );
}

function chooseLevel(level: Level): void {
  void need(level, [state.value.by, ...state.value.only.map(({ column }) => column)]);
  go({ level, lasso: [] });
}

function chooseColour(by: string): void {
  void need(state.value.level, [by]);
  go({ by });
}

export function MapPane() {
  const isLasso = useSignal(false);
  const { level, by, lasso } = state.value;
  const columns = about.value?.columns[level].filter(({ name }) => !NOT_COLOURS.includes(name)) ?? [];
  const compounds = about.value?.counts.perturbations ?? 0;
  return (
    <section class="pane map" aria-label="Map">
      <header>
        <h2>Map</h2>
        <label>
          show{' '}
          <select value={level} onChange={(event) => chooseLevel(event.currentTarget.value as Level)}>
            <option value="wells">{counted(about.value?.counts.wells ?? 0, 'well')}</option>
            <option value="perturbations">{counted(compounds, 'compound')}</option>
          </select>
        </label>
        <label>
          colour{' '}
          <select value={has(level, by) ? by : ''} onChange={(event) => chooseColour(event.currentTarget.value)}>
            {!has(level, by) && <option value="">none</option>}
            {columns.map(({ name }) => (
              <option key={name} value={name}>
                {columnWords(about.value, name)}
              </option>
            ))}
          </select>
        </label>
      </header>
      <Plot isLasso={isLasso.value} onLasso={() => (isLasso.value = false)}>
        <span class="tools">
          <button aria-pressed={isLasso.value} onClick={() => (isLasso.value = !isLasso.value)}>
            lasso
          </button>
          <button aria-label="zoom in" onClick={() => zoom(STEP)}>
            +
          </button>
          <button aria-label="zoom out" onClick={() => zoom(1 / STEP)}>
            −
          </button>
          <button onClick={() => turn(START.map)}>all</button>
          <button onClick={() => go({ tab: 'list' })}>list</button>
        </span>
      </Plot>
      <footer>
        <Legend />
      </footer>
      {lasso.length > 0 && <Lasso />}
    </section>
  );
}
