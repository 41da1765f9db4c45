// A chart of a GPU result: speed over the reference's for each workload, on a logarithmic scale, with a mark at the target.
//   npm run -s bench:chart -- bench/results/FILE.json docs/performance.svg       (without the second argument: text)

import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Ratio } from './report.ts';

export interface Bar {
  readonly label: string;
  readonly ratio: number;
  readonly target: number | null;
}

/** One bar for each figure that the result was compared with. */
export function barsOf(results: readonly { readonly name: string; readonly ratios?: readonly Ratio[] }[]): Bar[] {
  return results.flatMap(({ name, ratios = [] }) =>
    ratios.flatMap(({ ratio, target, reference }) => {
      if (ratio === null) return [];
      const other = reference === name ? '' : ` vs ${reference}`;
      return [{ label: name + (ratios.length > 1 ? other : ''), ratio, target }];
    }),
  );
}

const [LOW, HIGH] = [0.01, 10];
/** Where a ratio lies between the ends of the scale, 0 to 1. */
export const place = (x: number): number =>
  (Math.log(Math.min(HIGH, Math.max(LOW, x))) - Math.log(LOW)) / (Math.log(HIGH) - Math.log(LOW));

export function textChart(bars: readonly Bar[], width = 48): string {
  const label = Math.max(...bars.map((b) => b.label.length));
  const line = ({ label: l, ratio, target }: Bar): string => {
    const cells: string[] = Array.from({ length: width }, (_, i) => (i < Math.round(place(ratio) * width) ? '█' : '·'));
    if (target !== null) cells[Math.min(width - 1, Math.round(place(target) * width))] = '|';
    return `${l.padEnd(label)} ${cells.join('')} ${ratio.toPrecision(2)}${target === null ? '' : ` of ${target}`}`;
  };
  return [`${''.padEnd(label)} ${LOW} to ${HIGH} × the reference, logarithmic; | is the target`, ...bars.map(line)].join('\n');
}

const COLOURS = { reached: '#2e8b57', missed: '#c0603a', none: '#7088a0' };

export function svgChart(bars: readonly Bar[], title: string): string {
  const [left, plot, row, top] = [400, 420, 20, 50];
  const height = top + bars.length * row + 16;
  const at = (x: number): number => Math.round(left + place(x) * plot);
  const grid = [0.01, 0.1, 1, 10].map(
    (x) =>
      `<line x1="${at(x)}" x2="${at(x)}" y1="${top - 6}" y2="${height - 10}" stroke="${x === 1 ? '#555' : '#ccc'}"/>` +
      `<text x="${at(x)}" y="${top - 10}" text-anchor="middle">${x}×</text>`,
  );
  const rows = bars.map(({ label, ratio, target }, i) => {
    const y = top + i * row;
    const colour = target === null ? COLOURS.none : ratio >= target ? COLOURS.reached : COLOURS.missed;
    const mark =
      target === null
        ? ''
        : `<line x1="${at(target)}" x2="${at(target)}" y1="${y - 1}" y2="${y + 15}" stroke="#000" stroke-width="2"/>`;
    return (
      `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${label}</text>` +
      `<rect x="${left}" y="${y}" width="${at(ratio) - left}" height="14" fill="${colour}"/>${mark}` +
      `<text x="${left + plot + 8}" y="${y + 11}">${ratio.toPrecision(2)}${target === null ? '' : ` of ${target}`}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + plot + 90}" height="${height}" font-family="sans-serif" font-size="11">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="10" y="18" font-size="13" font-weight="bold">${title}</text>`,
    ...grid,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

export function chart(file: string, svg?: string): void {
  const doc = JSON.parse(readFileSync(file, 'utf8')) as { device: string; date: string; results: Parameters<typeof barsOf>[0] };
  const bars = barsOf(doc.results);
  if (!svg) console.log(textChart(bars));
  else writeFileSync(svg, svgChart(bars, `Speed over Triton's, ${doc.device}, ${doc.date} (black mark: target)`));
}

if (process.argv[1]?.endsWith('chart.ts')) {
  const command = new Command('bench:chart').argument('<results>', 'JSON of bench:gpu').argument('[svg]', 'file to write');
  command.action(chart).parse();
}
