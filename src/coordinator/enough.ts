/** Whether `needed` of these come true, as soon as that is known: one that is slow holds nobody up. */
export function enough(attempts: readonly Promise<boolean>[], needed: number): Promise<boolean> {
  return new Promise((resolve) => {
    let good = 0;
    let open = attempts.length;
    const settle = (isGood: boolean): void => {
      open -= 1;
      if (isGood) good += 1;
      if (good >= needed) resolve(true);
      else if (open === 0) resolve(false);
    };
    for (const attempt of attempts) attempt.then(settle, () => settle(false));
  });
}
