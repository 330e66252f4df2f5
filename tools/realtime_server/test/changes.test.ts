/** Which edit stands, and when it counts. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { countedTime, standsOver, type Edit } from '../src/changes';
import { MAX_ACTION_AHEAD_MS } from '../src/limits';

function edit(time: string, userId: string, deviceId: string): Edit {
  const at = `2020-01-01T00:00:${time}Z`;
  const body = { content: `${userId} ${deviceId} ${time}` };
  return { userId, deviceId, body, actionTime: at, editedAt: at };
}

function* permutations<T>(values: T[]): Generator<T[]> {
  if (values.length === 0) yield [];
  for (const value of values) {
    for (const rest of permutations(values.filter((each) => each !== value))) {
      yield [value, ...rest];
    }
  }
}

test('U-6: whatever the order of arrival, the same edit stands', () => {
  // Each is within a second of the next one.
  const edits = [
    edit('01.900', 'bob', ''),
    edit('02.100', 'alice', 'd2'),
    edit('02.800', 'alice', 'd1'),
    edit('02.000', 'bob', ''),
    edit('02.999', '😀', 'd'),
    edit('02.500', '～', 'd'),
  ];
  const standing = new Set<string>();
  for (const arrivals of permutations(edits)) {
    const last = arrivals.reduce((stands, next) =>
      standsOver(next, stands) ? next : stands,
    );
    standing.add(last.body.content);
  }
  assert.deepEqual([...standing], ['😀 d 02.999']);
});

test('U-6: of two different edits exactly one stands', () => {
  const users = ['alice', 'bob'];
  const edits = ['01.000', '01.999', '02.000'].flatMap((time) =>
    users.flatMap((user) => ['', 'd'].map((id) => edit(time, user, id))),
  );
  for (const a of edits) {
    for (const b of edits) {
      assert.equal(standsOver(a, b) || standsOver(b, a), a !== b);
      assert(!(standsOver(a, b) && standsOver(b, a)));
    }
  }
});

test('U-5: a time counts as it is given up to 60 s ahead', () => {
  const now = new Date('2020-01-01T00:00:00.000Z');
  const ahead = (ms: number): string =>
    new Date(now.getTime() + ms).toISOString();
  for (const ms of [-1e12, 0, MAX_ACTION_AHEAD_MS]) {
    assert.equal(countedTime(ahead(ms), now), ahead(ms));
  }
  assert.equal(
    countedTime(ahead(MAX_ACTION_AHEAD_MS + 1), now),
    now.toISOString(),
  );
});
