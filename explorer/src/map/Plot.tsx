/** The map of all wells or compounds: painted on a canvas, steered by mouse, fingers or keys. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { chosen, label, pick, pickWell, selectedWords, wellLabel } from '../chosen';
import { DIMMED, word } from '../colour';
import { nameAt } from '../data/columns';
import { flags, look, points, type Points } from '../shown';
import { dark, go, state, turn, view } from '../state';
import { wells } from '../tables';
import { decimals3, MOST_CORNERS, START, type Point, type View } from '../url';
import { corners } from './grid';
import { HIDDEN, MARKED, diameterOf, paint, transform, zoomed } from './raster';

/** Beyond so many points the map is painted without finer pixels than the screen's. */
const MANY = 300_000;
const STEP = 1.4;
const REACH = 12;
const DRAGGED = 4;

/** How many pixels of the picture lie on one of the page: twice as many give smooth edges without blending. */
const finenessOf = (n: number): number => (n > MANY ? 1 : 2);

/** The last picture: its memory serves the next one. */
let kept: ImageData | null = null;

function draw(canvas: HTMLCanvasElement, size: readonly [number, number], trace: readonly Point[]): void {
  const of = points.value;
  const shown = look.value;
  const fine = finenessOf(of?.table.rows ?? 0);
  const [width, height] = size.map((side) => Math.round(side * fine));
  if (!of || !shown || !width || !height || flags.value.length !== of.table.rows || shown.colour.length !== of.table.rows) return;
  const started = performance.now();
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d')!;
  if (kept?.width !== width || kept.height !== height) kept = context.createImageData(width, height);
  const picture = kept;
  const palette = Uint32Array.from({ length: 256 }, (_, i) => word(shown.colours[i] ?? '#000000'));
  const diameter = Math.round(diameterOf(of.table.rows, view.value.k) * fine);
  const scene = { at: of.at, colour: shown.colour, flags: flags.value, palette, dim: word(DIMMED[dark.value ? 1 : 0]), under: shown.under };
  paint(scene, view.value, new Uint32Array(picture.data.buffer), width, height, diameter);
  context.putImageData(picture, 0, 0);
  overlay(context, of, [width, height], diameter, fine, trace);
  canvas.dataset['paintMs'] = (performance.now() - started).toFixed(1);
}

/** Rings about what is selected, and the lasso. */
function overlay(context: CanvasRenderingContext2D, of: Points, [width, height]: [number, number], diameter: number, fine: number, trace: readonly Point[]): void {
  const [sx, tx, sy, ty] = transform(view.value, width, height);
  context.lineWidth = 2 * fine;
  context.strokeStyle = dark.value ? '#ffffff' : '#111111';
  for (let i = 0; i < flags.value.length; i++) {
    if (!(flags.value[i] & MARKED)) continue;
    context.beginPath();
    context.arc(of.at[2 * i] * sx + tx, of.at[2 * i + 1] * sy + ty, diameter * 1.6, 0, 7);
    context.stroke();
  }
  const line = trace.length ? trace : state.value.lasso;
  if (!line.length) return;
  context.beginPath();
  for (const [x, y] of line) context.lineTo(x * sx + tx, y * sy + ty);
  context.closePath();
  context.setLineDash([6 * fine, 4 * fine]);
  context.stroke();
  context.setLineDash([]);
}

/** What a point is. */
function told(row: number): string {
  const table = points.value!.table;
  const mechanism = nameAt(table, 'moa', row);
  if (table !== wells.value) return [label(row), mechanism].filter(Boolean).join(' · ');
  const place = `${nameAt(table, 'plate', row)}:${nameAt(table, 'well', row)}`;
  return [wellLabel(row), mechanism, place].filter(Boolean).join(' · ');
}

const choose = (row: number): void => (points.value!.table === wells.value ? pickWell(row) : pick(row));

/** Zoom about the middle of what is seen. */
export function zoom(factor: number): void {
  const { x, y } = view.value;
  turn(zoomed(view.value, factor, -x, -y));
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = 0.15 / view.value.k;
  const moves: Record<string, [number, number]> = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const move = moves[event.key];
  if (move) turn({ ...view.value, x: view.value.x + move[0], y: view.value.y + move[1] });
  else if (event.key === '+' || event.key === '=') zoom(STEP);
  else if (event.key === '-') zoom(1 / STEP);
  else if (event.key === '0') turn(START.map);
  else return;
  event.preventDefault();
}

interface Drag {
  x: number;
  y: number;
  view: View;
  moved: boolean;
}

/** The canvas with its pointer. Two fingers pinch. */
interface PlotProps {
  isLasso: boolean;
  onLasso: () => void;
  /** What lies over the map. */
  children: ComponentChildren;
}

export function Plot({ isLasso, onLasso, children }: PlotProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal<[number, number]>([0, 0]);
  const trace = useSignal<Point[]>([]);
  const tip = useSignal<{ x: number; y: number; text: string } | null>(null);
  const drag = useRef<Drag | null>(null);
  const fingers = useRef(new Map<number, PointerEvent>());
  const count = useComputed(() => points.value?.table.rows ?? 0);

  useEffect(() => {
    const box = canvas.current!.parentElement!;
    const observer = new ResizeObserver(() => (size.value = [box.clientWidth, box.clientHeight]));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => draw(canvas.current!, size.value, trace.value));

  const place = (event: { clientX: number; clientY: number }): Point => {
    const box = canvas.current!.getBoundingClientRect();
    const [sx, tx, sy, ty] = transform(view.value, ...size.value);
    return [(event.clientX - box.left - tx) / sx, (event.clientY - box.top - ty) / sy];
  };
  const under = (event: PointerEvent): number => {
    const [x, y] = place(event);
    const [scale] = transform(view.value, ...size.value);
    return points.value?.grid.nearest(x, y, REACH / scale, (row) => !(flags.value[row] & HIDDEN)) ?? -1;
  };
  const pinch = (event: PointerEvent): void => {
    const before = [...fingers.current.values()];
    fingers.current.set(event.pointerId, event);
    const after = [...fingers.current.values()];
    const apart = ([a, b]: PointerEvent[]): number => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    const [x, y] = place({ clientX: (after[0].clientX + after[1].clientX) / 2, clientY: (after[0].clientY + after[1].clientY) / 2 });
    turn(zoomed(view.value, apart(after) / Math.max(1, apart(before)), x, y));
  };
  const onPointerDown = (event: PointerEvent): void => {
    canvas.current!.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, event);
    if (isLasso) trace.value = [place(event)];
    else drag.current = { x: event.clientX, y: event.clientY, view: view.value, moved: fingers.current.size > 1 };
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (trace.value.length) trace.value = [...trace.value, place(event)];
    else if (fingers.current.size > 1) pinch(event);
    else if (drag.current) {
      const from = drag.current;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from.moved ||= Math.abs(dx) + Math.abs(dy) > DRAGGED;
      const [scale] = transform(from.view, ...size.value);
      if (from.moved) turn({ k: from.view.k, x: from.view.x + dx / scale, y: from.view.y - dy / scale });
    } else hover(event);
  };
  const hover = (event: PointerEvent): void => {
    const row = under(event);
    const box = canvas.current!.getBoundingClientRect();
    tip.value = row < 0 ? null : { x: event.clientX - box.left, y: event.clientY - box.top, text: told(row) };
  };
  const onPointerUp = (event: PointerEvent): void => {
    fingers.current.delete(event.pointerId);
    const line = trace.value;
    const from = drag.current;
    drag.current = null;
    if (line.length) {
      trace.value = [];
      onLasso();
      if (line.length > 2) go({ lasso: corners(line, MOST_CORNERS, decimals3) });
    } else if (from && !from.moved) {
      const row = under(event);
      if (row >= 0) choose(row);
    }
  };
  const cancel = (event: PointerEvent): void => {
    fingers.current.delete(event.pointerId);
    drag.current = null;
    trace.value = [];
  };
  const words = `Map of ${count.value.toLocaleString('en')} ${state.value.level === 'wells' ? 'wells' : 'rows of compounds'}`;
  const here = chosen.value >= 0 ? `; ringed: ${selectedWords.value}` : '';
  return (
    <div class={isLasso ? 'plot lassoing' : 'plot'}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${words}${here}. Arrow keys move, plus and minus zoom, 0 shows all, L lists the points.`}
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          event.preventDefault();
          turn(zoomed(view.value, Math.exp(-event.deltaY / 500), ...place(event)));
        }}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={cancel}
        onPointerLeave={() => (tip.value = null)}
      />
      {children}
      {tip.value && (
        <div class="tip" style={{ left: `${Math.min(tip.value.x + 12, Math.max(0, size.value[0] - 230))}px`, top: `${tip.value.y + 14}px` }}>
          {tip.value.text}
        </div>
      )}
    </div>
  );
}
