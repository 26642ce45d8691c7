/** The server on loopback. */
import { read, type Table } from './columns';
import type { Box, Montage, Pixels, Source, TableName } from './source';
import type { About, Asked, Card, Near, PlateImages, Why } from './types';

/** So many neighbours are asked for. */
const TOP = '12';

async function answered(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error('the explorer does not answer; start it again: impasto explore DIR');
  }
  if (response.ok) return response;
  const said: { detail?: unknown } = await response.json().catch(() => ({}));
  throw new Error(typeof said.detail === 'string' ? said.detail : `${response.status} ${response.statusText}`);
}

export class Http implements Source {
  private digest = '';

  private address(route: string, query: Record<string, string> = {}): string {
    return `api/${route}?${new URLSearchParams({ ...query, v: this.digest })}`;
  }

  private async json<T>(route: string, query?: Record<string, string>): Promise<T> {
    return (await answered(this.address(route, query))).json();
  }

  async about(): Promise<About> {
    const about: About = await (await answered('api/about')).json();
    this.digest = about.digest;
    return about;
  }

  async columns(table: TableName, names: readonly string[]): Promise<Table> {
    const response = await answered(this.address(`columns/${table}`, { names: names.join(',') }));
    return read(new Uint8Array(await response.arrayBuffer()));
  }

  card(row: number): Promise<Card> {
    return this.json(`card/${row}`);
  }

  near(row: number, space: string): Promise<Near> {
    return this.json(`near/${row}`, { top: TOP, ...(space && { space }) });
  }

  why(a: number, b: number): Promise<Why> {
    return this.json(`why/${a}/${b}`);
  }

  ask(kind: string, words: string, space: string): Promise<Asked> {
    return this.json('ask', { kind, query: words, ...(space && { space }) });
  }

  structure(row: number, dark: boolean): string {
    return this.address(`structure/${row}.svg`, { dark: dark ? '1' : '0' });
  }

  async montage(row: number): Promise<Montage> {
    const response = await answered(this.address(`montage/${row}`));
    return { rows: (response.headers.get('x-rows') ?? '').split(','), picture: await response.blob() };
  }

  images(plate: number): Promise<PlateImages> {
    return this.json(`images/${plate}`);
  }

  async pixels(image: number, channel: string, box: Box | null, shrink: number): Promise<Pixels> {
    const query = { ...(box && { box: box.join(',') }), ...(shrink && { shrink: String(shrink) }) };
    const response = await answered(this.address(`pixels/${image}/${encodeURIComponent(channel)}`, query));
    const shape = (response.headers.get('x-shape') ?? '').split(',').map(Number);
    const values = new Uint16Array(await response.arrayBuffer());
    if (shape.length !== 2 || shape[0] * shape[1] !== values.length) throw new Error('the picture came incomplete; try again');
    return { width: shape[0], height: shape[1], values };
  }

  download(name: string): string | null {
    return this.address(name);
  }
}
