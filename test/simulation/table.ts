import { controls } from './controls/controls.ts';
import type { CaughtControl } from './catch.ts';
import { scenarios } from './scenarios.ts';

/**
 * The table of promises, as Markdown: scenario, promise, checker, control, and the seeds that the control needed; what was not measured
 * now shows the seeds that it may need.
 */
export function markdownTable(caught: readonly CaughtControl[]): string {
  const head = [
    '| scenario | promise | checker | control: broken on purpose | seeds needed |',
    '| --- | --- | --- | --- | --- |',
  ];
  const rows = scenarios.flatMap(({ name, promise, checker }) =>
    controls
      .filter(({ scenario }) => scenario === name)
      .map((control, at) => {
        const found = caught.find((one) => one.control === control);
        const needed =
          found?.seeds === undefined ? `at most ${control.within}` : String(found.seeds);
        const first = at === 0 ? [name, promise, checker] : ['', '', ''];
        return `| ${[...first, control.name, needed].join(' | ')} |`;
      }),
  );
  return [...head, ...rows].join('\n');
}
