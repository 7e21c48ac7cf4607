/** Where the command line writes; a terminal gets a bar that is drawn over, anything else plain lines. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const barWidth = 24;
/** Without a terminal one line for each tenth is enough. */
const linesMax = 10;

/** Shows how far one part of the work is. */
export class Progress {
  readonly #output: Output;
  readonly #title: string;
  readonly #total: number;
  #done = 0;
  #shown = '';

  constructor(output: Output, title: string, total: number) {
    this.#output = output;
    this.#title = title;
    this.#total = total;
  }

  step(): void {
    this.#done += 1;
    const { isTerminal } = this.#output;
    const parts = isTerminal ? 100 : linesMax;
    const part = Math.floor((this.#done * parts) / this.#total);
    const text = this.#text();
    if (text === this.#shown || (this.#done * parts) % this.#total >= parts) return;
    if (!isTerminal && (part === parts || this.#total < linesMax)) return;
    this.#shown = text;
    this.#output.write(isTerminal ? `\r${text}` : `${text}\n`);
  }

  /** Replaces the bar with the result. */
  end(result: string): void {
    this.#output.write(this.#output.isTerminal ? `\r\u001b[K${result}\n` : `${result}\n`);
  }

  #text(): string {
    const filled = Math.round((this.#done * barWidth) / this.#total);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    return `${this.#title.padEnd(16)} ${bar} ${this.#done} / ${this.#total}`;
  }
}
