/** One field, or one channel of it: painted on a canvas, moved by dragging, with its scale bar. */
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Pixels } from '../data/source';
import { about } from '../tables';
import type { Field } from './choose';
import type { Ink } from './composite';
import { WHOLE, bounded, seen, toRead, type Look, type Read } from './frame';
import { paintField, plane } from './pictures';
import { scaleBar } from './scale';

export interface Layer {
  channel: string;
  /** Place of the channel in the index. */
  place: number;
  ink: Ink;
}
export interface PictureProps {
  field: Field;
  layers: Layer[];
  /** "treated" or "control"; what the frame looks like. */
  kind: string;
  title: string;
  zoom: Signal<number>;
  hasBar: boolean;
}
const STEP = 1.5;
const NUDGE = 0.12;

interface Shown {
  read: Read;
  layers: { pixels: Pixels; place: number }[];
}

/** Size of a field: as told, else that of its first plane, read at half its size, which the server gives of large ones too. */
function useSize(field: Field, fail: (error: unknown) => void): { width: number; height: number } | null {
  const size = useSignal<{ width: number; height: number } | null>(null);
  const { width, height } = field;
  useEffect(() => {
    if (width && height) {
      size.value = { width, height };
      return;
    }
    const place = field.image.findIndex((image) => image !== null);
    if (place < 0) return;
    const half = plane(field.image[place]!, about.value!.channels[place], { box: null, shrink: 1 });
    half.then((pixels) => (size.value = { width: 2 * pixels.width, height: 2 * pixels.height }), fail);
  }, [field.plate, field.well, field.site]);
  return width && height ? { width, height } : size.value;
}

export function Picture({ field, layers, kind, title, zoom, hasBar }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const middle = useSignal({ x: 0.5, y: 0.5 });
  const width = useSignal(300);
  const shown = useSignal<Shown | null>(null);
  const problem = useSignal('');
  const drag = useRef<{ x: number; y: number; from: Look } | null>(null);
  const fail = (error: unknown): void => void (problem.value = error instanceof Error ? error.message : String(error));
  const size = useSize(field, fail);
  const look: Look = size ? bounded({ ...middle.value, zoom: zoom.value }, size.width, size.height) : WHOLE;
  const present = layers.filter(({ place }) => field.image[place] !== null && field.image[place] !== undefined);
  const absent = layers.filter((layer) => !present.includes(layer)).map(({ channel }) => channel);
  const read = size ? toRead(look, size.width, size.height, width.value * devicePixelRatio) : null;
  const key = JSON.stringify([field.plate, field.well, field.site, present.map(({ place }) => place), read]);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (width.value = Math.max(1, Math.round(entry.contentRect.width))));
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!read) return;
    let isLive = true;
    problem.value = '';
    const asked = present.map(async ({ place, channel }) => ({ place, pixels: await plane(field.image[place]!, channel, read) }));
    Promise.all(asked).then(
      (layers) => isLive && (shown.value = { read, layers }),
      (error) => isLive && fail(error),
    );
    return () => {
      isLive = false;
    };
  }, [key]);
  const inks = JSON.stringify(layers);
  useEffect(() => {
    const of = shown.value;
    if (!of || !size) return;
    const painted = present.flatMap(({ place, ink }) => {
      const layer = of.layers.find((one) => one.place === place);
      return layer ? [{ pixels: layer.pixels, ink }] : [];
    });
    if (painted.length) paintField(canvas.current!, painted, of.read, seen(look, size.width, size.height));
    else canvas.current!.width = canvas.current!.height = 1;
  }, [shown.value, inks, look.zoom, look.x, look.y, size?.width]);

  const side = size ? seen(look, size.width, size.height)[2] : 0;
  const bar = hasBar && shown.value ? scaleBar(side, about.value?.pixel_um ?? null) : null;
  const move = (dx: number, dy: number): void => {
    if (size) middle.value = bounded({ ...look, x: look.x + dx, y: look.y + dy }, size.width, size.height);
  };
  const nudge = (x: number, y: number): void => {
    if (size) move((x * NUDGE * side) / size.width, (y * NUDGE * side) / size.height);
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => nudge(-1, 0),
    ArrowRight: () => nudge(1, 0),
    ArrowUp: () => nudge(0, -1),
    ArrowDown: () => nudge(0, 1),
    '+': () => void (zoom.value = Math.min(16, zoom.value * STEP)),
    '=': () => void (zoom.value = Math.min(16, zoom.value * STEP)),
    '-': () => void (zoom.value = Math.max(1, zoom.value / STEP)),
    '0': () => void (zoom.value = 1),
  };
  const onPointerMove = (event: PointerEvent): void => {
    const start = drag.current;
    if (!start || !size) return;
    const perPixel = side / width.value;
    const x = start.from.x - ((event.clientX - start.x) * perPixel) / size.width;
    const y = start.from.y - ((event.clientY - start.y) * perPixel) / size.height;
    middle.value = bounded({ ...look, x, y }, size.width, size.height);
  };
  const channels = layers.map(({ channel }) => channel).join(', ') || 'none';
  return (
    <div class={`frame ${kind}`}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        class={side && side < width.value ? 'sharp' : ''}
        aria-label={`${title}, plate ${field.plate} well ${field.well} site ${field.site}; channels: ${channels}`}
        onKeyDown={(event) => {
          const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, y: event.clientY, from: look };
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
      />
      {bar && (
        <span class="bar" style={{ width: `${bar.share * 100}%` }}>
          {bar.label}
        </span>
      )}
      {!shown.value && !problem.value && <span class="wait">reading…</span>}
      {problem.value && <span class="wait">{problem.value}</span>}
      {absent.length > 0 && !problem.value && <span class="absent">without {absent.join(', ')}</span>}
    </div>
  );
}
