/** The search field: a list that is steered by the arrow keys. */
import { useComputed, useSignal } from '@preact/signals';
import { pick, pickWell, wellRowOf } from '../chosen';
import { names, numbers } from '../data/columns';
import { go, state } from '../state';
import { about, need, perturbations, wells } from '../tables';
import { counted } from '../words';
import type { Found } from './match';
import { COLUMN_OF, optionsOf, searchable, wellIn, type Option } from './options';

const ASKED: Readonly<Record<string, string>> = { text: 'in words', smiles: 'as a structure (SMILES)', gene: 'as a gene' };
const INCHIKEY = /^[A-Z]{6,14}(-|$)/;

function wellOption(text: string): Option | null {
  const plates = about.value?.plates.map(({ plate }) => plate) ?? [];
  const found = wellIn(text.trim(), plates, state.value.plate || plates[0] || '');
  return found && wellRowOf(wells.value, found) >= 0 ? { of: 'well', ...found } : null;
}

/** Select a compound; a gene, a mechanism, or a name that several compounds have becomes a filter. */
function takeName({ kind, name }: Found): void {
  if (kind === 'plate') return go({ plate: name, q: '', tab: 'plate' });
  const column = COLUMN_OF[kind];
  const { codes, names: all } = names(perturbations.value, column)!;
  const doses = numbers(perturbations.value, 'concentration');
  const code = all.indexOf(name);
  const rows: number[] = [];
  for (let i = 0; i < codes.length; i++) if (codes[i] === code && (!doses || Number.isNaN(doses[i]))) rows.push(i);
  if (rows.length === 1 && column !== 'gene' && column !== 'moa') return pick(rows[0], { tab: 'card' });
  void need('wells', [column]);
  const others = state.value.only.filter((filter) => filter.column !== column);
  go({ only: [...others, { column, values: [name] }], q: '', tab: 'map' });
}

function take(option: Option): void {
  if (option.of === 'name') takeName(option.found);
  else if (option.of === 'well') pickWell(wellRowOf(wells.value, option), { tab: 'card' });
  else go({ ask: { kind: option.question, words: option.words }, q: '', tab: 'card' });
}

/** An option and what kind of thing it is. */
function said(option: Option): [string, string] {
  if (option.of === 'ask') return [`ask for “${option.words}” ${ASKED[option.question] ?? ''}`, 'a prediction'];
  if (option.of === 'well') return [`${option.plate}:${option.well}`, 'well'];
  const { name, kind, count } = option.found;
  return [name, count > 1 ? `${kind} · ${counted(count, kind === 'plate' ? 'well' : 'compound')}` : kind];
}

export function Search() {
  const isOpen = useSignal(false);
  const at = useSignal(0);
  const index = useComputed(() => searchable(perturbations.value, wells.value?.columns.has('plate') ? wells.value : null));
  const options = useComputed(() =>
    isOpen.value ? optionsOf(state.value.q, index.value, wellOption(state.value.q), about.value?.questions ?? []) : [],
  );
  const { q } = state.value;
  const list = options.value;
  const choose = (option: Option): void => {
    isOpen.value = false;
    take(option);
  };
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLInputElement }): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.length) {
      event.preventDefault();
      isOpen.value = true;
      at.value = (at.value + step + list.length) % list.length;
    } else if (event.key === 'Enter' && list[at.value]) choose(list[at.value]);
    else if (event.key === 'Escape') {
      event.stopPropagation();
      if (isOpen.value && q) isOpen.value = false;
      else event.currentTarget.blur();
    }
  };
  const onInput = (text: string): void => {
    isOpen.value = true;
    at.value = 0;
    if (INCHIKEY.test(text)) void need('perturbations', ['inchikey']);
    go({ q: text });
  };
  const open = isOpen.value && list.length > 0;
  return (
    <div class="search" role="search">
      <input
        id="impasto-search"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        enterkeyhint="search"
        aria-expanded={open}
        aria-controls="impasto-found"
        aria-autocomplete="list"
        {...(open && { 'aria-activedescendant': `impasto-found-${at.value}` })}
        aria-label="Search a compound, identifier, gene, mechanism, plate or plate:well"
        placeholder="Compound, gene, mechanism, plate or plate:well  ( / )"
        value={q}
        onInput={(event) => onInput(event.currentTarget.value)}
        onFocus={() => (isOpen.value = true)}
        onBlur={() => (isOpen.value = false)}
        onKeyDown={onKeyDown}
      />
      <ul id="impasto-found" role="listbox" aria-label="found" hidden={!open}>
        {list.map((option, i) => {
          const [name, kind] = said(option);
          return (
            <li
              key={kind + name}
              id={`impasto-found-${i}`}
              role="option"
              aria-selected={i === at.value}
              onPointerDown={(event) => {
                event.preventDefault();
                choose(option);
              }}
            >
              <b>{name}</b>
              <span>{kind}</span>
            </li>
          );
        })}
      </ul>
      {isOpen.value && q.trim() !== '' && list.length === 0 && (
        <p class="found-none" role="status">
          Nothing here is called “{q.trim()}”.
          {!about.value?.questions.length && ' An index of a trained run also answers questions in words.'}
        </p>
      )}
    </div>
  );
}
