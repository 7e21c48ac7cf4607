/** Lets a bounded number of tasks in at once; the others wait in line. */
export interface Turnstile {
  /** Runs `start` when it is its turn; what is returned leaves, or leaves the line. */
  enter(start: () => void): () => void;
}

export function createTurnstile(insideMax: number): Turnstile {
  const line = new Set<() => void>();
  let inside = 0;

  function letIn(): void {
    for (const start of line) {
      if (inside >= insideMax) return;
      line.delete(start);
      inside++;
      start();
    }
  }

  return {
    enter(start) {
      // A task of its own, so that the same function may stand in line twice.
      const own = (): void => start();
      let hasLeft = false;
      line.add(own);
      letIn();
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        if (line.delete(own)) return;
        inside--;
        letIn();
      };
    },
  };
}
