/** Keys that work wherever the focus is, but in a field. */
import { hitRows, stepHit } from './card/hits';
import { stepControl, stepField } from './cells/shown';
import { chosen, pick } from './chosen';
import { go, state } from './state';
import { perturbations } from './tables';

/** Go to the next hit, or the one before. */
export function hit(by: number): void {
  const row = stepHit(hitRows(perturbations.value), chosen.value, by);
  if (row !== null) pick(row);
}

const KEYS: Readonly<Record<string, () => void>> = {
  '/': () => document.getElementById('impasto-search')?.focus(),
  l: () => go({ tab: state.value.tab === 'list' ? 'map' : 'list' }),
  n: () => hit(1),
  p: () => hit(-1),
  ']': () => stepField(1),
  '[': () => stepField(-1),
  '}': () => stepControl(1),
  '{': () => stepControl(-1),
};

/** What Esc closes: the answer, the list, the lasso. */
function close(): void {
  if (state.value.ask) go({ ask: null });
  else if (state.value.tab === 'list') go({ tab: 'map' });
  else if (state.value.lasso.length) go({ lasso: [] });
}

export function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const isField = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && (target as HTMLInputElement).type !== 'range';
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isField || target.isContentEditable) return;
  const act = event.key === 'Escape' ? close : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}
