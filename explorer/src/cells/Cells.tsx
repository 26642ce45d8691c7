/** The cells of the selection, each picture beside a negative control of its plate, all with one contrast a plate and channel. */
import { signal, useSignalEffect } from '@preact/signals';
import { selectedWords, wellLabel, wellRowOf } from '../chosen';
import { stain } from '../colour';
import { nameAt } from '../data/columns';
import { rangeOf } from '../data/source';
import { go, state } from '../state';
import { about, needImages, wells } from '../tables';
import { Channels, channelsShown } from './Channels';
import type { Field, Pair } from './choose';
import { Picture, type Layer } from './Picture';
import { controls, fields, GREY, imagedPlates, pairs, stepControl, stepField } from './shown';

const MOST_ZOOM = 16;
const STEP = 1.5;
/** Twice: cells are seen, and still their neighbours. */
export const zoom = signal(2);

/** The channels that are on, in colour; a lone channel is grey. */
function layersOf(plate: string, only: string | null = null): Layer[] {
  const all = channelsShown();
  const on = all.filter((channel) => (only ? channel.name === only : channel.on));
  return on.map((channel) => {
    const place = all.indexOf(channel);
    const [low, high] = channel.window ?? rangeOf(about.value!, plate, channel.name);
    return { channel: channel.name, place, ink: { low, high, colour: on.length === 1 ? GREY : stain(channel.name, place) } };
  });
}

/** What was done to a well that stands as control; "negative control" where it is one. */
function titleOf(field: Field): string {
  const row = wellRowOf(wells.value, field);
  return nameAt(wells.value, 'control_type', row) === 'negcon' ? 'negative control' : wellLabel(row);
}

interface FigureProps {
  field: Field;
  kind: string;
  title: string;
  /** How many fields there are to step through. */
  of: number;
  step: (by: number) => void;
}

function Figure({ field, kind, title, of, step }: FigureProps) {
  return (
    <figure>
      <Picture field={field} layers={layersOf(field.plate)} kind={kind} title={title} zoom={zoom} hasBar />
      <figcaption>
        <span>
          <b>{title}</b> {field.plate} {field.well} · site {field.site}
        </span>
        {of > 1 && (
          <span class="steps">
            <button aria-label={`previous field of ${title}`} onClick={() => step(-1)}>
              ‹
            </button>
            <button aria-label={`next field of ${title}`} onClick={() => step(1)}>
              ›
            </button>
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function PairView({ pair, isFirst }: { pair: Pair; isFirst: boolean }) {
  const { field, control } = pair;
  const others = controls.value.filter(({ plate }) => plate === field.plate).length;
  return (
    <div class="pair">
      <Figure field={field} kind="treated" title={selectedWords.value} of={isFirst ? fields.value.length : 1} step={stepField} />
      {control ? (
        <Figure field={control} kind="control" title={titleOf(control)} of={others} step={(by) => stepControl(by, pair)} />
      ) : (
        <p class="empty">Plate {field.plate} has no picture of a negative control, so nothing can be compared on it.</p>
      )}
    </div>
  );
}

/** Every channel in grey, the treated field over its control. */
function Strip({ pair }: { pair: Pair }) {
  const rows: [Field | null, string, string][] = [
    [pair.field, 'treated', selectedWords.value],
    [pair.control, 'control', pair.control ? titleOf(pair.control) : ''],
  ];
  return (
    <div class="strip" style={{ '--channels': about.value!.channels.length }}>
      {rows.map(
        ([field, kind, title]) =>
          field &&
          about.value!.channels.map((channel) => (
            <figure key={kind + channel}>
              <Picture field={field} layers={layersOf(field.plate, channel)} kind={kind} title={title} zoom={zoom} hasBar={false} />
              <figcaption>{channel}</figcaption>
            </figure>
          )),
      )}
    </div>
  );
}

/** Why there is no picture, in a sentence. */
function Nothing() {
  const missing = about.value?.missing['cells'];
  if (missing) return <p class="empty">{missing}</p>;
  if (!state.value.sel) {
    return <p class="empty">Search a compound, or click a point or a well: its cells are shown beside negative controls of the same plate.</p>;
  }
  if (!selectedWords.value) return <p class="empty">Nothing here is called so.</p>;
  return imagedPlates.value.length ? null : <p class="empty">This index has no images of {selectedWords.value}.</p>;
}

export function CellsPane() {
  useSignalEffect(() => imagedPlates.value.forEach((plate) => void needImages(plate)));
  const shown = pairs.value;
  const isSplit = state.value.split;
  const plate = shown[0]?.field.plate ?? '';
  return (
    <section class="pane cells" aria-label="Cells">
      <header>
        <h2>Cells</h2>
        {shown.length > 0 && (
          <span class="tools">
            <button aria-pressed={isSplit} onClick={() => go({ split: !isSplit })}>
              each channel
            </button>
            <button aria-label="closer" onClick={() => (zoom.value = Math.min(MOST_ZOOM, zoom.value * STEP))}>
              +
            </button>
            <button aria-label="farther" onClick={() => (zoom.value = Math.max(1, zoom.value / STEP))}>
              −
            </button>
          </span>
        )}
      </header>
      {shown.length > 0 ? (
        <>
          <Channels plate={plate} />
          <p class="note">One contrast for all pictures of a plate, set by its negative controls.</p>
          {isSplit && <Strip pair={shown[0]} />}
          {shown.map((pair, i) => (
            <PairView key={i} pair={pair} isFirst={i === 0} />
          ))}
        </>
      ) : (
        <Nothing />
      )}
    </section>
  );
}
