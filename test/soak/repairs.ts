/** How often a gateway says that it has brought a replica what it lacked, by how. */
export type Repairs = Readonly<Record<string, number>>;

const counters: Readonly<Record<string, RegExp>> = {
  'read repair, before the answer':
    /^quorate_repairs_total\{kind="write_back",result="(?!failed)\w+"\} (\d+)$/gm,
  'read repair, in the background':
    /^quorate_repairs_total\{kind="background",result="joined"\} (\d+)$/gm,
  'anti-entropy': /^quorate_anti_entropy_keys_total\{kind="repaired"\} (\d+)$/gm,
  'hints delivered': /^quorate_hints_total\{result="replayed"\} (\d+)$/gm,
};

/** Reads them from a page of /metrics. */
export function repairsIn(page: string): Repairs {
  const found = Object.entries(counters).map(([name, pattern]) => {
    const counts = [...page.matchAll(pattern)].map(([, count]) => Number(count));
    return [name, counts.reduce((sum, count) => sum + count, 0)] as const;
  });
  return Object.fromEntries(found);
}

export function addRepairs(a: Repairs, b: Repairs): Repairs {
  return Object.fromEntries(
    Object.keys(counters).map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]),
  );
}
