import { readFileSync } from 'node:fs';

/** As Node writes it with `--cpu-prof`. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Where the time of a process went, by file and by function: own time, in percent of what was not idle. */
export function readProfile(file: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const own = new Map<number, number>();
  samples.forEach((id, at) => own.set(id, (own.get(id) ?? 0) + (timeDeltas[at] ?? 0)));
  const byFile = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const { id, callFrame } of nodes) {
    const spent = own.get(id) ?? 0;
    const name = callFrame.functionName || '(anonymous)';
    if (['(idle)', '(root)'].includes(name)) continue;
    busy += spent;
    const place = placeOf(callFrame.url, name);
    byFile.set(place, (byFile.get(place) ?? 0) + spent);
    const label = `${name} ${place}`;
    byFunction.set(label, (byFunction.get(label) ?? 0) + spent);
  }
  const top = (of: ReadonlyMap<string, number>, count: number): string =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([name, spent]) => `${((spent / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)
      .join('\n');
  return `by file\n${top(byFile, 25)}\n\nby function\n${top(byFunction, 30)}`;
}

/** `src/…`, the package, or Node itself. */
function placeOf(url: string, name: string): string {
  if (url === '') return name.startsWith('(') ? name : '(native)';
  const [, inPackage] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  return inPackage ?? url.replace(/^file:\/\/.*?\/(src|bench)\//, '$1/');
}
