/** Time that queries take on a database with a pool of connections. */

const CONNECTIONS = 20;
const TICK_MS = 1;
/** One query in so many takes longer than the others. */
const SLOW_ONE_IN = 4;
const MAX_EXTRA_TICKS = 4;

interface Query {
  ticks: number;
  done: () => void;
}

/** Numbers from 0 to below 1 that follow from the seed. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    // A step of a Weyl sequence, mixed until every bit depends on all.
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/**
 * Queries begin in the order of their asking and end in another one. How long
 * each takes follows from the seed and from its place in that order.
 */
export class QueryPool {
  private readonly running: Query[] = [];
  private readonly waiting: Query[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly random: () => number) {}

  /** Resolves when the query is answered. */
  query(): Promise<void> {
    const slow = this.random() * SLOW_ONE_IN < 1;
    const extra = slow ? 1 + Math.floor(this.random() * MAX_EXTRA_TICKS) : 0;
    return new Promise((done) => {
      this.waiting.push({ ticks: 1 + extra, done });
      this.fill();
    });
  }

  private fill(): void {
    while (this.running.length < CONNECTIONS) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.running.push(next);
    }
    if (this.running.length > 0) {
      this.timer ??= setInterval(() => {
        this.tick();
      }, TICK_MS);
    }
  }

  private tick(): void {
    for (const query of this.running) query.ticks--;
    const ended = this.running.filter(({ ticks }) => ticks === 0);
    const going = this.running.filter(({ ticks }) => ticks > 0);
    this.running.splice(0, this.running.length, ...going);
    if (this.running.length + this.waiting.length === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    this.fill();
    for (const { done } of ended) done();
  }
}
