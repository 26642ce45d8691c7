/** The page: head, bars, and four panes side by side; on a phone one of them under tabs. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Bars } from './Bars';
import { Downloads } from './Downloads';
import { CardPane } from './card/Card';
import { CellsPane } from './cells/Cells';
import { onKey } from './keys';
import { List } from './map/List';
import { MapPane } from './map/Map';
import { PlatePane } from './plate/Plate';
import { Search } from './search/Search';
import { go, state } from './state';
import { about } from './tables';
import type { Tab } from './url';

const PANES: readonly [Tab, string][] = [
  ['map', 'Map'],
  ['plate', 'Plate'],
  ['cells', 'Cells'],
  ['card', 'Compound'],
];

function CopyLink() {
  const said = useSignal('copy link');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(location.href);
      said.value = 'copied';
    } catch {
      said.value = 'copy it from the address';
    }
    setTimeout(() => (said.value = 'copy link'), 3000);
  };
  return (
    <button class="copy" aria-live="polite" onClick={() => void copy()}>
      {said.value}
    </button>
  );
}

function Keys() {
  return (
    <details class="keys">
      <summary>keys</summary>
      <dl>
        <dt>/</dt>
        <dd>search</dd>
        <dt>n p</dt>
        <dd>next, previous hit</dd>
        <dt>[ ]</dt>
        <dd>other field</dd>
        <dt>{'{ }'}</dt>
        <dd>other control</dd>
        <dt>l</dt>
        <dd>map as a list</dd>
        <dt>arrows + − 0</dt>
        <dd>move and zoom map, plate, picture</dd>
        <dt>Esc</dt>
        <dd>close</dd>
      </dl>
    </details>
  );
}

export function App() {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const { tab } = state.value;
  const pane = tab === 'list' ? 'map' : tab;
  return (
    <div class={`app tab-${pane}`}>
      <header class="top">
        <h1 title={about.value?.title}>{about.value?.title ?? 'impasto'}</h1>
        <Search />
        <CopyLink />
        <Downloads />
        <Keys />
      </header>
      <Bars />
      <nav class="tabs" aria-label="panes">
        {PANES.map(([name, words]) => (
          <button key={name} aria-current={pane === name ? 'page' : undefined} onClick={() => go({ tab: name })}>
            {words}
          </button>
        ))}
      </nav>
      <main class="panes">
        {tab === 'list' ? <List key={state.value.level} /> : <MapPane />}
        <PlatePane />
        <CellsPane />
        <CardPane />
      </main>
    </div>
  );
}
