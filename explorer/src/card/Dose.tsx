/** Dose and response: wells, curve, 95 % band, and the benchmark dose with its interval. */
import { about } from '../tables';
import type { Response } from '../data/types';
import { doseWords, figure, small } from '../words';
import { area, axesOf, CONTROLS, line, type Axes } from './axes';

const digits = (value: number): string => String(Number(value.toPrecision(2)));

/** The benchmark dose in words. */
export function benchmarkWords(response: Response, unit: string): string {
  const { benchmark, benchmark_low, benchmark_high } = response;
  if (benchmark === null) return response.why;
  const best = `${digits(benchmark)} ${unit}`;
  if (benchmark_low === null && benchmark_high === null) return best;
  const low = benchmark_low === null ? 'below the doses tried' : digits(benchmark_low);
  const high = benchmark_high === null ? 'above the doses tried' : digits(benchmark_high);
  return `${best} (95 %: ${low} to ${high})`;
}

function Benchmark({ response, axes }: { response: Response; axes: Axes }) {
  const { benchmark, benchmark_low, benchmark_high, curve } = response;
  if (benchmark === null || !curve) return null;
  const ends = [benchmark_low ?? curve.dose[0], benchmark_high ?? curve.dose[curve.dose.length - 1]] as const;
  const hasEnds = benchmark_low !== null || benchmark_high !== null;
  return (
    <>
      <line class="benchmark" x1={axes.x(benchmark)} x2={axes.x(benchmark)} y1={axes.y(Infinity)} y2={axes.bottom} />
      {hasEnds && <line class="span" x1={axes.x(ends[0])} x2={axes.x(ends[1])} y1={axes.bottom} y2={axes.bottom} />}
    </>
  );
}

export function Dose({ response, isHit }: { response: Response; isHit: boolean }) {
  const { points, curve } = response;
  if (!points.length) return response.why ? <p class="note">No dose curve: {response.why}.</p> : null;
  const axes = axesOf(response);
  const unit = about.value?.dose_unit ?? '';
  const right = axes.width - 12;
  const words = response.benchmark === null ? response.why : `benchmark dose ${benchmarkWords(response, unit)}`;
  return (
    <figure class={isHit ? 'dose' : 'dose weak'}>
      <svg viewBox={`0 0 ${axes.width} ${axes.height}`} role="img" aria-label={`Response at ${axes.doses.length} doses; ${words}`}>
        <rect class="controls" x={axes.left} width={right - axes.left} y={axes.y(CONTROLS)} height={axes.y(-CONTROLS) - axes.y(CONTROLS)} />
        {axes.responses.map((value) => (
          <g key={value}>
            <line class="tick" x1={axes.left} x2={right} y1={axes.y(value)} y2={axes.y(value)} />
            <text x={axes.left - 5} y={axes.y(value) + 3.5} text-anchor="end">
              {value}
            </text>
          </g>
        ))}
        {curve && <path class="band" d={area(axes, curve.dose, curve.low, curve.high)} />}
        {curve && <path class="line" d={line(axes, curve.dose, curve.response)} />}
        <line class="level" x1={axes.left} x2={right} y1={axes.y(response.benchmark_response)} y2={axes.y(response.benchmark_response)} />
        <Benchmark response={response} axes={axes} />
        {points.map((point) => (
          <circle key={point.plate + point.well} cx={axes.x(point.dose)} cy={axes.y(point.response)} r={3.2}>
            <title>{`${point.plate} ${point.well}: ${doseWords(about.value, point.dose)}, response ${figure(point.response)}`}</title>
          </circle>
        ))}
        {axes.doses.map((dose) => (
          <text key={dose} x={axes.x(dose)} y={axes.bottom + 14} text-anchor="middle">
            {Number(dose.toPrecision(3))}
          </text>
        ))}
        <text x={right} y={axes.height - 2} text-anchor="end">
          {unit}
        </text>
      </svg>
      <figcaption>
        {response.benchmark === null ? (
          <>No dose curve: {response.why}. </>
        ) : (
          <>
            Benchmark dose <b>{benchmarkWords(response, unit)}</b>
            {response.ec50_words && <>, EC50 {response.ec50_words} {unit}</>}, corrected p {small(response.q)}.{' '}
          </>
        )}
        Response in {response.unit}; grey: where 95 % of controls lie.{!isHit && response.benchmark !== null && ' The curve is grey since no dose by itself is a hit.'}
      </figcaption>
    </figure>
  );
}
