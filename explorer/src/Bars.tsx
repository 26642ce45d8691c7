/** What stands between the head of the page and its panes: filters as chips, and everything that a person has to be told. */
import { useSignal } from '@preact/signals';
import { lacking } from './chosen';
import { shownTable, keep } from './shown';
import { go, state, unread } from './state';
import { about, failure } from './tables';
import type { Filter } from './url';
import { columnWords, figure, valueWords } from './words';

function filterWords(filter: Filter): string {
  const column = columnWords(about.value, filter.column);
  if (!('values' in filter)) return `${column}: ${figure(filter.low)} to ${figure(filter.high)}`;
  return `${column}: ${filter.values.map((value) => valueWords(filter.column, value)).join(', ')}`;
}

function Filters() {
  const { only } = state.value;
  if (!only.length) return null;
  const rows = keep.value.reduce((sum, one) => sum + one, 0);
  return (
    <div class="line" role="group" aria-label="filters">
      <span>only</span>
      {only.map((filter) => (
        <button key={filter.column} class="chip" onClick={() => go({ only: only.filter((other) => other !== filter) })}>
          {filterWords(filter)} <span aria-label="remove">✕</span>
        </button>
      ))}
      <small role="status">
        {rows.toLocaleString('en')} of {(shownTable.value?.rows ?? 0).toLocaleString('en')} rows
      </small>
    </div>
  );
}

function Lacking() {
  const parts = [...lacking.value, ...unread.value.map((part) => `no meaning of “${part}”`)];
  if (!parts.length) return null;
  return (
    <div class="line told" role="status">
      <span>This address asks for what this index does not have: {parts.join('; ')}.</span>
    </div>
  );
}

function Failure() {
  if (!failure.value) return null;
  const isRebuilt = failure.value.includes('rebuilt');
  return (
    <div class="line bad" role="alert">
      <span>{failure.value}</span>
      {isRebuilt && <button onClick={() => location.reload()}>reload</button>}
      <button aria-label="close this message" onClick={() => (failure.value = '')}>
        ✕
      </button>
    </div>
  );
}

function Warnings() {
  const isClosed = useSignal(false);
  const warnings = about.value?.warnings ?? [];
  if (!warnings.length || isClosed.value) return null;
  return (
    <div class="line warned" role="note">
      <span>{warnings.join(' ')}</span>
      <button aria-label="close this warning" onClick={() => (isClosed.value = true)}>
        ✕
      </button>
    </div>
  );
}

export function Bars() {
  return (
    <div class="bars">
      <Warnings />
      <Failure />
      <Lacking />
      <Filters />
    </div>
  );
}
