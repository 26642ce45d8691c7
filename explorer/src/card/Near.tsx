/** The nearest compounds, each beside what chance gives; those that chance explains are grey. */
import { useSignal } from '@preact/signals';
import { Fragment } from 'preact';
import { label, pick } from '../chosen';
import { nameAt } from '../data/columns';
import { several } from '../data/parts';
import type { Near, Neighbour } from '../data/types';
import { about, perturbations } from '../tables';
import { percent, small } from '../words';
import { WhyView } from './Why';

/** Corrected p beyond which a neighbour is grey. */
const RATE = 0.05;
const share = (score: number): string => `${Math.max(0, Math.min(1, score)) * 100}%`;

/** The score as a bar, with the 95 % point of chance as a line. */
function Meter({ score, high }: { score: number; high: number | null }) {
  return (
    <span class="score">
      {score.toFixed(2)}
      <i class="meter" style={{ '--score': share(score), '--chance': high === null ? '-9px' : share(high) }} />
    </span>
  );
}

interface RowProps {
  row: Neighbour;
  of: number;
  near: Near;
  isOpen: boolean;
  onWhy: () => void;
}

function Row({ row, of, near, isOpen, onWhy }: RowProps) {
  const isWeak = row.q !== null && row.q >= RATE;
  const name = label(row.row);
  const mechanism = nameAt(perturbations.value, 'moa', row.row) || nameAt(perturbations.value, 'gene', row.row);
  return (
    <Fragment>
      <tr class={isWeak ? 'weak' : ''}>
        <td>
          <button class="link" onClick={() => pick(row.row)}>
            {name}
          </button>
          {mechanism && <small>{several(mechanism)}</small>}
        </td>
        <td>
          <Meter score={row.score} high={near.null?.high ?? null} />
        </td>
        <td class="n">{small(row.q)}</td>
        <td class="n">{row.beyond === null ? '–' : percent(row.beyond)}</td>
        {of >= 0 && about.value?.features && (
          <td>
            <button class="quiet" aria-expanded={isOpen} aria-label={`why ${name} matches`} onClick={onWhy}>
              why
            </button>
          </td>
        )}
      </tr>
      {isOpen && (
        <tr class="why">
          <td colSpan={5}>
            <WhyView a={of} b={row.row} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

/** `of`: the row that was asked; -1 for a question in words, which has no named features. */
export function NearTable({ near, of }: { near: Near; of: number }) {
  const open = useSignal(-1);
  const weak = near.rows.every(({ q }) => q !== null && q >= RATE);
  return (
    <>
      {near.null ? (
        <p class="note">
          Line in the bar: 95 % of {near.null.kind} lie below it ({near.null.high.toFixed(2)}). The smallest p they can give is {small(near.null.floor)}.
          {weak && near.rows.length > 0 && <b> None of these is nearer than chance (all grey).</b>}
        </p>
      ) : (
        near.reason && <p class="note">{near.reason}</p>
      )}
      {near.rows.length > 0 && (
        <table class="near">
          <thead>
            <tr>
              <th>compound</th>
              <th>{near.space ? 'cosine' : 'score'}</th>
              <th class="n">corr. p</th>
              <th class="n" title="share of all pairs of compounds that are as near, or nearer">
                all pairs
              </th>
              {of >= 0 && about.value?.features && <th aria-label="why" />}
            </tr>
          </thead>
          <tbody>
            {near.rows.map((row) => (
              <Row key={row.row} row={row} of={of} near={near} isOpen={open.value === row.row} onWhy={() => (open.value = open.value === row.row ? -1 : row.row)} />
            ))}
          </tbody>
        </table>
      )}
      {of >= 0 && !about.value?.features && about.value?.missing['features'] && <p class="note">{about.value.missing['features']}</p>}
    </>
  );
}
