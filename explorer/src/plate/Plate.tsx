/** One plate: every well with its heat, its control mark and its images, steered by the arrow keys. */
import { signal, useComputed, useSignalEffect } from '@preact/signals';
import { members, pickWell, selectedWords, wellRow } from '../chosen';
import { heat as colourOf, isDark, spread } from '../colour';
import { nameAt, names, numbers } from '../data/columns';
import { Ramp } from '../map/Map';
import { go, state } from '../state';
import { about, images, need, needImages, wells } from '../tables';
import { START } from '../url';
import { columnWords, counted, figure, valueWords } from '../words';
import { formatOf, placeOf, positional, rowName, stepped, type Place } from './layout';

/** Every plate at once: what the place alone gives. */
export const EVERY = '*';
/** Millimetres of the drawing: a well and the step to the next. */
const WELL = 3.6;
const STEP = 4;
const NO_HEAT: readonly string[] = ['x', 'y'];

interface Shown {
  row: number;
  well: string;
  place: Place;
  value: number;
}

/** The plate that is shown: the asked one, else that of the selection, else the first. */
export function plateShown(): string {
  const { plate, sel } = state.value;
  const known = about.value?.plates.map((one) => one.plate) ?? [];
  const own = members.value.length ? nameAt(wells.value, 'plate', members.value[0]) : '';
  const asked = [plate, sel?.kind === 'well' ? sel.plate : '', own];
  return asked.find((name) => known.includes(name) || (name === EVERY && known.length > 1)) ?? known[0] ?? '';
}

/** The number that is shown: the asked one, else the distance to controls, else the first. */
export const heatShown = (): string => {
  const known = about.value?.columns.wells.filter(({ kind, name }) => kind === 'number' && !NO_HEAT.includes(name)) ?? [];
  const names = known.map(({ name }) => name);
  return [state.value.heat, START.heat].find((name) => names.includes(name)) ?? names[0] ?? '';
};

/** Rows of each well's name, over all plates. */
function rowsByWell(): Map<string, number[]> {
  const of = new Map<string, number[]>();
  const column = names(wells.value, 'well');
  column?.codes.forEach((code, row) => {
    const well = column.names[code];
    const rows = of.get(well);
    if (rows) rows.push(row);
    else of.set(well, [row]);
  });
  return of;
}

function shownWells(plate: string, heat: string): Shown[] {
  const table = wells.value;
  const plates = names(table, 'plate');
  const places = names(table, 'well');
  const values = numbers(table, heat);
  if (!plates || !places) return [];
  const rows: number[] = [];
  const code = plates.names.indexOf(plate);
  const all = plate === EVERY ? rowsByWell() : null;
  if (all) rows.push(...Array.from(all.values(), ([first]) => first));
  else plates.codes.forEach((own, row) => own === code && rows.push(row));
  const wellOf = rows.map((row) => places.names[places.codes[row]]);
  const shown = all && values ? positional(wellOf, values, all) : rows.map((row) => (values ? values[row] : NaN));
  return rows.flatMap((row, i) => {
    const place = placeOf(wellOf[i]);
    return place ? [{ row, well: wellOf[i], place, value: shown[i] }] : [];
  });
}

/** The well under the mouse or the focus, in words. */
const pointed = signal('');
const Pointed = () => <>{pointed.value}</>;

const MARKS: Readonly<Record<string, string>> = { negcon: 'h1.6', poscon: 'h1.6m-.8-.8v1.6' };

interface CellProps {
  of: Shown;
  share: number;
  type: string;
  words: string;
  isImaged: boolean;
  isMember: boolean;
  isChosen: boolean;
  isFocus: boolean;
}

function WellCell({ of, share, type, words, isImaged, isMember, isChosen, isFocus }: CellProps) {
  const [x, y] = [of.place.column * STEP, of.place.row * STEP];
  const fill = Number.isNaN(share) ? 'none' : colourOf(share);
  const ink = !Number.isNaN(share) && isDark(share) ? 'light' : 'dark';
  const classes = ['well', Number.isNaN(share) ? 'no-heat' : ink, isMember && 'member', isChosen && 'one'].filter(Boolean).join(' ');
  return (
    <g id={`impasto-well-${of.row}`} role="gridcell" class={classes} tabindex={isFocus ? 0 : -1} aria-selected={isMember} aria-label={words}>
      <rect x={x} y={y} width={WELL} height={WELL} rx={0.5} fill={fill} />
      {MARKS[type] && <path d={`M${x + 1} ${y + 1.8}${MARKS[type]}`} />}
      {isImaged && <circle cx={x + 3} cy={y + 0.6} r={0.35} />}
    </g>
  );
}

function PlateGrid() {
  const plate = plateShown();
  const heat = heatShown();
  const table = wells.value;
  const shown = useComputed(() => shownWells(plateShown(), heatShown())).value;
  const range = spread(shown.map(({ value }) => value), 0.02);
  const format = formatOf(shown.map(({ place }) => place));
  const isEvery = plate === EVERY;
  const own = new Set(isEvery ? [] : members.value);
  const imaged = new Set(images.value.get(plate)?.well);
  const focus = shown.find(({ row }) => row === wellRow.value) ?? shown.find(({ row }) => own.has(row)) ?? shown[0];
  const at = new Map(shown.map((one) => [`${one.place.row},${one.place.column}`, one]));
  const byRow = new Map<number, Shown[]>();
  for (const one of [...shown].sort((a, b) => a.place.row - b.place.row || a.place.column - b.place.column)) {
    byRow.set(one.place.row, [...(byRow.get(one.place.row) ?? []), one]);
  }
  const under = (target: EventTarget | null): Shown | undefined => {
    const id = (target as Element | null)?.closest('.well')?.id.replace('impasto-well-', '');
    return id === undefined ? undefined : shown.find(({ row }) => row === Number(id));
  };
  const choose = (one: Shown | undefined): void => {
    if (one && !isEvery) pickWell(one.row);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const from = under(event.target);
    if (!from) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      return choose(from);
    }
    const to = stepped(from.place, event.key, format, ({ row, column }) => at.has(`${row},${column}`));
    if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
    if (to) document.getElementById(`impasto-well-${at.get(`${to.row},${to.column}`)!.row}`)?.focus();
  };
  const words = (one: Shown): string => {
    const name = isEvery ? 'every plate' : nameAt(table, 'name', one.row) || nameAt(table, 'perturbation', one.row);
    const type = isEvery ? '' : nameAt(table, 'control_type', one.row);
    const kind = type && type !== 'trt' ? valueWords('control_type', type) : '';
    const value = Number.isNaN(one.value) ? '' : `${columnWords(about.value, heat)} ${figure(one.value)}`;
    return [one.well, name, kind, value].filter(Boolean).join(', ');
  };
  const point = (target: EventTarget | null): void => {
    const one = under(target);
    pointed.value = one ? words(one) : '';
  };
  const everyRow = format.rows > 8 ? 2 : 1;
  const everyColumn = format.columns > 24 ? 6 : format.columns > 12 ? 3 : 1;
  const size = Math.max(2, format.rows / 8);
  return (
    <>
      <div class="grid">
        <svg
          class="wells"
          viewBox={`${-1.6 - size * 1.4} ${-1 - size} ${format.columns * STEP + 2 + size * 1.4} ${format.rows * STEP + 1.4 + size}`}
          role="grid"
          aria-label={`Plate ${isEvery ? 'by position' : plate}, ${counted(shown.length, 'well')}`}
          onClick={(event) => choose(under(event.target))}
          onKeyDown={onKeyDown}
          onPointerOver={(event) => point(event.target)}
          onPointerLeave={() => (pointed.value = '')}
          onFocusIn={(event) => point(event.target)}
          onFocusOut={() => (pointed.value = '')}
        >
          <g aria-hidden="true" font-size={size}>
            {Array.from({ length: format.rows }, (_, r) => r % everyRow === 0 && <text key={'r' + r} x={-1} y={r * STEP + 1.8 + size / 3} text-anchor="end">{rowName(r)}</text>)}
            {Array.from({ length: format.columns }, (_, c) => c % everyColumn === 0 && <text key={'c' + c} x={c * STEP + 1.8} y={-0.8} text-anchor="middle">{c + 1}</text>)}
          </g>
          {Array.from(byRow, ([row, line]) => (
            <g key={row} role="row" aria-label={`row ${rowName(row)}`}>
              {line.map((one) => (
                <WellCell
                  key={one.row}
                  of={one}
                  share={(one.value - range[0]) / (range[1] - range[0] || 1)}
                  type={isEvery ? '' : nameAt(table, 'control_type', one.row)}
                  words={words(one)}
                  isImaged={!isEvery && imaged.has(one.well)}
                  isMember={own.has(one.row)}
                  isChosen={!isEvery && one.row === wellRow.value}
                  isFocus={one === focus}
                />
              ))}
            </g>
          ))}
        </svg>
      </div>
      <footer>
        <Ramp range={range} />
        <b class="pointed">
          <Pointed />
        </b>
        <small>
          {isEvery ? (
            'each place: the median over all plates; position alone only where layouts differ from plate to plate'
          ) : (
            <>
              <b>−</b> negative control
              {shown.some(({ row }) => nameAt(table, 'control_type', row) === 'poscon') && (
                <>
                  {' '}
                  · <b>+</b> positive control
                </>
              )}
              {imaged.size > 0 && ' · dot: has images'}
              {own.size > 0 && ` · outlined: ${selectedWords.value}`}
            </>
          )}
        </small>
      </footer>
    </>
  );
}

export function PlatePane() {
  useSignalEffect(() => {
    if (!about.value) return;
    void need('wells', [heatShown()]);
    void needImages(plateShown());
  });
  const plate = plateShown();
  const plates = about.value?.plates ?? [];
  const heats = about.value?.columns.wells.filter(({ kind, name }) => kind === 'number' && !NO_HEAT.includes(name)) ?? [];
  return (
    <section class="pane plate" aria-label="Plate">
      <header>
        <h2>Plate</h2>
        <select aria-label="plate" value={plate} onChange={(event) => go({ plate: event.currentTarget.value })}>
          {plates.map((known) => (
            <option key={known.plate} value={known.plate}>
              {known.plate}
            </option>
          ))}
          {plates.length > 1 && <option value={EVERY}>by position, all {plates.length} plates</option>}
        </select>
        {heats.length > 0 && (
          <label>
            heat{' '}
            <select value={heatShown()} onChange={(event) => go({ heat: event.currentTarget.value })}>
              {heats.map(({ name }) => (
                <option key={name} value={name}>
                  {columnWords(about.value, name)}
                </option>
              ))}
            </select>
          </label>
        )}
      </header>
      <PlateGrid />
    </section>
  );
}
