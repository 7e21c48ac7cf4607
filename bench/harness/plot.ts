import type { Summary } from './table.ts';

const [left, width, barHeight, gap, top] = [190, 900, 14, 14, 50];
const colours = ['#2b6cb0', '#c05621', '#2f855a', '#97266d', '#718096', '#b7791f', '#4c51bf'];

/** Bars of requests a second, one group a workload; whiskers from the worst round to the best. */
export function plot(summaries: readonly Summary[], title: string): string {
  const contenders = [...new Set(summaries.map(({ contender }) => contender))];
  const most = Math.max(...summaries.map((one) => one.most), 1);
  const scale = (value: number): number => (value / most) * (width - left - 90);
  const colourOf = (contender: string): string =>
    colours[contenders.indexOf(contender) % colours.length] ?? '#000';
  const parts: string[] = [];
  let y = top + 24;
  for (const [workload, group] of Map.groupBy(summaries, (one) => one.workload)) {
    parts.push(text(left - 8, y + (group.length * barHeight) / 2 + 4, workload, 'end'));
    for (const one of group) {
      const middle = y + barHeight / 2;
      parts.push(
        `<rect x="${left}" y="${y}" width="${scale(one.perSecond).toFixed(1)}" height="${barHeight - 2}" fill="${colourOf(one.contender)}"/>`,
        `<path d="M${(left + scale(one.least)).toFixed(1)} ${middle}H${(left + scale(one.most)).toFixed(1)}" stroke="#000"/>`,
        text(
          left + scale(one.most) + 6,
          y + barHeight - 4,
          String(Math.round(one.perSecond)),
          'start',
        ),
      );
      y += barHeight;
    }
    y += gap;
  }
  const legend = contenders.map(
    (name, index) =>
      `<rect x="${left + index * 140}" y="30" width="10" height="10" fill="${colourOf(name)}"/>${text(left + index * 140 + 14, 39, name, 'start')}`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 10}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${text(left, 18, title, 'start')}
${[...legend, ...parts].join('\n')}
</svg>
`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'end'): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
