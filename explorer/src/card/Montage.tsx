/** Single cells of a perturbation, and cells of the controls of the same plates. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { label } from '../chosen';
import type { Montage } from '../data/source';
import { theSource } from '../tables';
import { useAnswer } from './answer';

const WORDS: Record<string, string> = {
  chosen: 'most like its responding cells',
  random: 'any of its cells',
  controls: 'most like control cells',
  'random controls': 'any control cells',
};

export function MontageView({ row }: { row: number }) {
  const answer = useAnswer<Montage>(`${row}`, () => theSource().montage(row));
  const found = answer.value.value;
  const address = useSignal('');
  useEffect(() => {
    if (!found) return;
    const url = URL.createObjectURL(found.picture);
    address.value = url;
    return () => {
      address.value = '';
      URL.revokeObjectURL(url);
    };
  }, [found]);
  const rows = found?.rows.map((kind) => WORDS[kind] ?? kind) ?? [];
  return (
    <>
      <h3>Single cells</h3>
      {found && address.value ? (
        <figure class="montage">
          <img src={address.value} alt={`single cells of ${label(row)} and of controls of the same plates; rows: ${rows.join(', ')}`} />
          <figcaption>
            Rows from the top: {rows.join('; ')}. Controls of the same plates, one contrast a plate.
          </figcaption>
        </figure>
      ) : (
        <p class="note">{answer.problem.value || 'looking for cells…'}</p>
      )}
    </>
  );
}
