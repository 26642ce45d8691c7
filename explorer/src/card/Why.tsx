/** Why two match: their cosine as a sum over named features. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { theSource } from '../tables';
import type { Why } from '../data/types';

const said = (share: number): string => (share >= 0 ? '+' : '−') + Math.abs(share).toFixed(3).replace(/^0/, '');

function Share({ words, share, most, isMono }: { words: string; share: number; most: number; isMono?: boolean }) {
  return (
    <li class="share">
      <span class={isMono ? 'mono' : ''}>{words}</span>
      <i class={share < 0 ? 'minus' : ''} style={{ width: `${(Math.abs(share) / most) * 100}%` }} />
      <b>{said(share)}</b>
    </li>
  );
}

export function WhyView({ a, b }: { a: number; b: number }) {
  const why = useSignal<Why | null>(null);
  const problem = useSignal('');
  useEffect(() => {
    let isLive = true;
    theSource().why(a, b).then(
      (found) => isLive && (why.value = found),
      (error: Error) => isLive && (problem.value = error.message),
    );
    return () => {
      isLive = false;
    };
  }, [a, b]);
  if (problem.value) return <p class="note">{problem.value}</p>;
  if (!why.value) return <p class="note">reading…</p>;
  const { cosine, features, groups, rest, top } = why.value;
  const most = Math.max(...groups.map(({ share }) => Math.abs(share)), 1e-6);
  const mostTop = Math.max(...top.map(({ share }) => Math.abs(share)), 1e-6);
  return (
    <div>
      <p>
        Cosine over {features.toLocaleString('en')} named features: <b>{cosine.toFixed(2)}</b>, the sum of
      </p>
      <ul class="shares">
        {groups.map(({ compartment, group, channel, share }) => (
          <Share key={[compartment, group, channel].join()} words={[compartment, group, channel].filter(Boolean).join(' ')} share={share} most={most} />
        ))}
        <Share words="all other groups" share={rest} most={Infinity} />
      </ul>
      <details>
        <summary>single features</summary>
        <ul class="shares">
          {top.map(({ feature, share }) => (
            <Share key={feature} words={feature} share={share} most={mostTop} isMono />
          ))}
        </ul>
      </details>
    </div>
  );
}
