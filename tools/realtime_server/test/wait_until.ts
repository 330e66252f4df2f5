import { setTimeout as delay } from 'node:timers/promises';

const DEADLINE_MS = 10_000;
const INTERVAL_MS = 2;

/** Rejects when it is not so in time. */
export async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await delay(INTERVAL_MS);
  }
}
