/** Start: data of the report that carries this page, else of the server. */
import { render } from 'preact';
import { App } from './App';
import { Embedded } from './data/embedded';
import { Http } from './data/http';
import type { Carried } from './data/types';
import { listen, state } from './state';
import { load } from './tables';

const carried = document.getElementById('impasto-data');
listen();
void load(carried ? new Embedded(JSON.parse(carried.textContent ?? '') as Carried) : new Http(), state.value);
render(<App />, document.getElementById('app')!);
