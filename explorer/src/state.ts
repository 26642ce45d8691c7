/** What the page shows, as one value; the address follows it, and it follows the address. */
import { batch, signal } from '@preact/signals';
import { digits4, format, parse, type State, type View } from './url';

const REST_MS = 250;
const first = parse(location.hash);

export const state = signal<State>(first.state);
/** Parts of the address that could not be read. */
export const unread = signal<string[]>(first.unread);
/** Where the map stands: apart from the rest, so that a turn of the wheel redraws the map and nothing else. */
export const view = signal<View>(first.state.map);
export const dark = signal(false);

/** Changes that make a step of their own in the history of the browser. */
const STEPS: readonly (keyof State)[] = ['sel', 'ask', 'only', 'lasso'];
let resting = 0;

function write(push: boolean): void {
  clearTimeout(resting);
  const fragment = format(state.value);
  const address = location.pathname + location.search + (fragment && '#' + fragment);
  history[push ? 'pushState' : 'replaceState'](null, '', address);
}

/** Change the state. Selection, question, filters and lasso can be undone by Back; the rest replaces the address. */
export function go(change: Partial<State>): void {
  state.value = { ...state.value, map: view.value, ...change };
  write(STEPS.some((key) => key in change));
}

/** Change the state often, as a slider does: the address follows when it rests. */
export function slide(change: Partial<State>): void {
  state.value = { ...state.value, ...change };
  rest();
}

/** Move the map; the address follows when it rests. */
export function turn(to: View): void {
  view.value = { x: digits4(to.x), y: digits4(to.y), k: digits4(to.k) };
  rest();
}

function rest(): void {
  clearTimeout(resting);
  resting = window.setTimeout(() => go({}), REST_MS);
}

function follow(): void {
  const fragment = location.hash;
  if (fragment.length > 1 && !fragment.includes('=')) return; // an anchor of the page around
  clearTimeout(resting);
  const read = parse(fragment);
  batch(() => {
    state.value = read.state;
    unread.value = read.unread;
    view.value = read.state.map;
  });
  // In a report the link stands far above the page that it changes.
  if (!document.body.classList.contains('explorer')) document.getElementById('app')?.scrollIntoView();
}

/** Listen to the browser: Back, a changed address, light and dark. */
export function listen(): void {
  addEventListener('popstate', follow);
  const query = matchMedia('(prefers-color-scheme: dark)');
  dark.value = query.matches;
  query.addEventListener('change', (event) => (dark.value = event.matches));
}
