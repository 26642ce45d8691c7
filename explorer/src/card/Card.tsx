/** The compound: names, structure, verdict, doses, neighbours; or the answer to a question. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { Fragment } from 'preact';
import { useEffect } from 'preact/hooks';
import { chosen, compound, label, members, pick, selected, spaceShown, wellLabel, wellRow } from '../chosen';
import { nameAt, names, numberAt, plain } from '../data/columns';
import { partsOf, several } from '../data/parts';
import type { Asked, Card, Near } from '../data/types';
import { Downloads } from '../Downloads';
import { hit } from '../keys';
import { dark, go, state } from '../state';
import { about, has, need, perturbations, theSource, wells } from '../tables';
import type { Filter } from '../url';
import { columnWords, counted, doseWords, small } from '../words';
import { useAnswer } from './answer';
import { Dose } from './Dose';
import { hitRows } from './hits';
import { MontageView } from './Montage';
import { NearTable } from './Near';

function showOnly(column: string, value: string): void {
  void need(state.value.level, [column]);
  go({ only: [...state.value.only.filter((filter) => filter.column !== column), { column, values: [value] }] });
}

const LONG = 60;
const FIRST_HITS = 20;
const ONLY_HITS: Filter[] = [{ column: 'hit', values: ['yes'] }];

function Facts({ card }: { card: Card | null }) {
  const row = chosen.value;
  const plates = new Set(Array.from(members.value, (well) => nameAt(wells.value, 'plate', well)));
  const filters = ['moa', 'gene'].filter((column) => nameAt(perturbations.value, column, row) !== '');
  const id = nameAt(perturbations.value, 'perturbation', row);
  const name = nameAt(perturbations.value, 'name', row);
  const shown = filters.map((column) => nameAt(perturbations.value, column, row));
  return (
    <dl>
      {filters.map((column) => {
        const value = nameAt(perturbations.value, column, row);
        return (
          <div key={column}>
            <dt>{columnWords(about.value, column)}</dt>
            <dd>
              {partsOf(column, value).map((part, i) => (
                <Fragment key={part}>
                  {i > 0 && ', '}
                  <button class="link" title="show only these" onClick={() => showOnly(column, part)}>
                    {part}
                  </button>
                </Fragment>
              ))}
            </dd>
          </div>
        );
      })}
      <div>
        <dt>wells</dt>
        <dd>
          {counted(members.value.length, 'well')} on {counted(plates.size, 'plate')}
          {wellRow.value >= 0 && `; selected: ${nameAt(wells.value, 'plate', wellRow.value)} ${nameAt(wells.value, 'well', wellRow.value)}`}
        </dd>
      </div>
      {name !== '' && name !== id && (
        <div>
          <dt>identifier</dt>
          <dd class="mono">{id}</dd>
        </div>
      )}
      {facts(card, (value) => value.length <= LONG && !shown.includes(value)).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={/[A-Z]{14}-/.test(value) ? 'mono' : ''}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const facts = (card: Card | null, isWanted: (value: string) => boolean): [string, string][] =>
  Object.entries(card?.facts ?? {}).filter(([, value]) => isWanted(value));

/** Facts that are too long to stand beside their name. */
function LongFacts({ card }: { card: Card }) {
  return (
    <>
      {facts(card, (value) => value.length > LONG).map(([name, value]) => (
        <details key={name} class="fact">
          <summary>{name}</summary>
          <p>{value}</p>
        </details>
      ))}
    </>
  );
}

function Structure() {
  const row = compound.value;
  const isBroken = useSignal(false);
  useSignalEffect(() => {
    if (has('perturbations', 'smiles')) void need('perturbations', ['smiles']);
  });
  useEffect(() => void (isBroken.value = false), [row]);
  const smiles = nameAt(perturbations.value, 'smiles', row);
  const address = smiles && row >= 0 ? theSource().structure(row, dark.value) : '';
  if (!address || isBroken.value) return null;
  return <img class="structure" src={address} alt={`structure of ${label(row)}: ${smiles}`} onError={() => (isBroken.value = true)} />;
}

/** Every dose as a button, with its corrected p. */
function Doses({ card }: { card: Card }) {
  const of = selected.value!;
  const dosed = card.doses.filter(({ dose }) => dose !== null);
  const reason = useComputed(() => card.doses.find(({ row }) => row === chosen.value)?.reason ?? '');
  if (!dosed.length) return null;
  const choose = (dose: number | null): void => go({ sel: { kind: 'compound', id: of.id, dose }, than: null });
  return (
    <>
      <div class="doses" role="group" aria-label="doses">
        {dosed.length > 1 && (
          <button aria-pressed={of.dose === null} onClick={() => choose(null)}>
            all doses
          </button>
        )}
        {dosed.map(({ dose, row, q, hit }) => (
          <button key={dose} class={hit ? 'hit' : ''} aria-pressed={row !== null && row === chosen.value} onClick={() => choose(row === null ? null : plain(dose!))}>
            {doseWords(about.value, dose!)} <small>{q === null ? '' : `p ${small(q)}`}</small>
          </button>
        ))}
      </div>
      {reason.value && <p class="note">{reason.value}</p>}
    </>
  );
}

/** From hit to hit, and back to all of them. */
function HitSteps() {
  const hits = useComputed(() => hitRows(perturbations.value)).value;
  if (!hits.length) return null;
  const at = hits.indexOf(chosen.value);
  return (
    <span class="tools steps">
      <button aria-label="previous hit" onClick={() => hit(-1)}>
        ‹
      </button>
      <button aria-label="next hit" onClick={() => hit(1)}>
        ›
      </button>
      <button onClick={() => go({ sel: null, than: null })}>{at < 0 ? counted(hits.length, 'hit') : `hit ${at + 1} of ${hits.length.toLocaleString('en')}`}</button>
    </span>
  );
}

function Compound() {
  const row = chosen.value;
  const space = spaceShown.value;
  const card = useAnswer<Card>(`${compound.value}`, compound.value >= 0 ? () => theSource().card(compound.value) : null);
  const near = useAnswer<Near>(`${row} ${space}`, row >= 0 ? () => theSource().near(row, space) : null);
  const dose = numberAt(perturbations.value, 'concentration', row);
  const shown = card.value.value;
  const spaces = about.value?.spaces ?? [];
  return (
    <>
      <header>
        <h2>{label(row)}</h2>
        <HitSteps />
      </header>
      <Facts card={shown} />
      {shown?.verdict && <p class={shown.verdict.hit ? 'verdict hit' : 'verdict'}>{shown.verdict.sentence}</p>}
      {!about.value?.hits && about.value?.missing['hits'] && <p class="note">{about.value.missing['hits']}</p>}
      <Structure />
      {shown?.response && <Dose response={shown.response} isHit={shown.response.benchmark !== null && shown.doses.some(({ hit }) => hit)} />}
      {shown && <Doses card={shown} />}
      {shown && <LongFacts card={shown} />}
      {about.value?.montages && row >= 0 && <MontageView row={row} />}
      <h3>Looks like{Number.isNaN(dose) ? '' : ` (at ${doseWords(about.value, dose)})`}</h3>
      {spaces.length > 1 && (
        <label class="space">
          by{' '}
          <select value={space || spaces[0]} onChange={(event) => go({ space: event.currentTarget.value === spaces[0] ? '' : event.currentTarget.value })}>
            {spaces.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {near.value.value ? <NearTable key={row} near={near.value.value} of={row} /> : !near.problem.value && <p class="note">reading…</p>}
      {(near.problem.value || card.problem.value) && <p class="note">{near.problem.value || card.problem.value}</p>}
    </>
  );
}

/** The answer of a trained run to words, a structure or a gene. */
function Answer() {
  const ask = state.value.ask!;
  const space = spaceShown.value;
  const isKnown = about.value?.questions.includes(ask.kind) ?? false;
  const answer = useAnswer<Asked>(`${ask.kind} ${ask.words} ${space} ${isKnown}`, isKnown ? () => theSource().ask(ask.kind, ask.words, space) : null);
  const found = answer.value.value;
  return (
    <>
      <header>
        <h2>“{ask.words}”</h2>
        <span class="tools">
          <button onClick={() => go({ ask: null })}>close</button>
        </span>
      </header>
      {isKnown ? (
        <>
          <p class="verdict">A prediction of the trained run, not a look-up of names. {found?.how}</p>
          {found ? <NearTable near={found} of={-1} /> : <p class="note">{answer.problem.value || 'asking…'}</p>}
        </>
      ) : (
        <p class="empty">This index answers no questions of this kind; the embeddings of a trained run do: impasto embed, impasto index.</p>
      )}
    </>
  );
}

/** Before anything is selected: how many did something, and which most surely. */
function Start() {
  const hits = useComputed(() => hitRows(perturbations.value)).value;
  const told = about.value?.hits;
  return (
    <>
      <header>
        <h2>Compounds</h2>
        <Downloads />
      </header>
      {told && (
        <p class={told.hits ? 'verdict hit' : 'verdict'}>
          {told.hits.toLocaleString('en')} of {told.tested.toLocaleString('en')} tested differ from their plates’ controls (false discovery{' '}
          {told.rate * 100} %).
        </p>
      )}
      {!told && about.value?.missing['hits'] && <p class="note">{about.value.missing['hits']}</p>}
      {hits.length > 0 && (
        <table class="near hits">
          <thead>
            <tr>
              <th>surest first (n, p: next, previous)</th>
              <th class="n">corr. p</th>
            </tr>
          </thead>
          <tbody>
            {hits.slice(0, FIRST_HITS).map((row) => (
              <tr key={row}>
                <td>
                  <button class="link" onClick={() => pick(row)}>
                    {label(row)}
                  </button>
                  <small>{several(nameAt(perturbations.value, 'moa', row))}</small>
                </td>
                <td class="n">{small(numberAt(perturbations.value, 'q', row))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hits.length > FIRST_HITS && (
        <p class="note">
          <button class="link" onClick={() => go({ level: 'perturbations', only: ONLY_HITS, lasso: [], tab: 'list' })}>
            all {hits.length.toLocaleString('en')} as a list
          </button>
        </p>
      )}
      <p class="empty">Search a compound, or click a point or a well.</p>
    </>
  );
}

function What() {
  if (state.value.ask) return <Answer />;
  if (chosen.value >= 0) return <Compound />;
  if (!state.value.sel) return <Start />;
  const row = wellRow.value;
  const type = nameAt(wells.value, 'control_type', row);
  return (
    <>
      <header>
        <h2>{row >= 0 ? wellLabel(row) || type || 'Well' : 'Compound'}</h2>
      </header>
      <p class="empty">
        {row >= 0
          ? `${nameAt(wells.value, 'plate', row)} ${nameAt(wells.value, 'well', row)} has no known perturbation.`
          : names(wells.value, 'perturbation') && 'Nothing here is called so.'}
      </p>
    </>
  );
}

export function CardPane() {
  return (
    <section class="pane card" aria-label="Compound">
      <What />
    </section>
  );
}
