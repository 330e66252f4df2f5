/** What lists and histories are read by, while parts of them go. */

import assert from 'node:assert/strict';
import test from 'node:test';

import * as limits from '../src/limits';
import { takePage } from '../src/pages';
import { Sequence } from '../src/sequence';

function numbersAfter(sequence: Sequence<string>, number: number): number[] {
  return [...sequence.after(number)].map(([each]) => each);
}

test('numbers are found with holes, and the dead are passed over', () => {
  const sequence = new Sequence<string>();
  assert.deepEqual(numbersAfter(sequence, 0), []);
  const places = [2, 3, 5, 8, 13, 21].map((number) =>
    sequence.append(number, `v${number}`),
  );
  assert.deepEqual(numbersAfter(sequence, 0), [2, 3, 5, 8, 13, 21]);
  assert.deepEqual(numbersAfter(sequence, 5), [8, 13, 21]);
  assert.deepEqual(numbersAfter(sequence, 6), [8, 13, 21]);
  assert.deepEqual(numbersAfter(sequence, 21), []);
  const eight = places[3];
  assert(eight !== undefined);
  sequence.remove(eight);
  sequence.remove(eight);
  assert.deepEqual(numbersAfter(sequence, 5), [13, 21]);
  assert.deepEqual([...sequence.after(13)], [[21, 'v21']]);
});

test('places stay below twice the living, whatever moves to the end', () => {
  const sequence = new Sequence<string>();
  const living = 100;
  const places = Array.from({ length: living }, (_, index) =>
    sequence.append(index + 1, `v${index}`),
  );
  let last = living;
  for (let round = 0; round < 50; round++) {
    for (const [index, place] of places.entries()) {
      sequence.remove(place);
      places[index] = sequence.append(++last, `v${index}`);
      assert(sequence.length <= 2 * living + 1);
    }
    assert.deepEqual(
      [...sequence.after(last - living)],
      places.map(({ number, value }) => [number, value]),
    );
  }
  for (const place of places) sequence.remove(place);
  assert.deepEqual(numbersAfter(sequence, 0), []);
  assert.equal(sequence.length, 0);
});

test('H-5: a page ends at its limit, or before it is too large', () => {
  const small: [number, string][] = [1, 4, 9].map((each) => [each, 'x']);
  const page = (upTo: number, count: number, hasMore: boolean): object => ({
    items: Array.from({ length: count }, () => 'x'),
    upTo,
    hasMore,
  });
  assert.deepEqual(takePage(small, 0, 2), page(4, 2, true));
  assert.deepEqual(takePage(small, 0, 3), page(9, 3, false));
  assert.deepEqual(takePage([], 7, 3), page(7, 0, false));
  // Each of them has two quotation marks more as JSON.
  const half = 'x'.repeat(limits.MAX_PAGE_BYTES / 2 - 2);
  const large: [number, string][] = [
    [1, half],
    [2, half],
    [3, `${half}x`],
    [4, 'x'.repeat(limits.MAX_PAGE_BYTES)],
  ];
  assert.equal(takePage(large, 0, 9).upTo, 2);
  assert.equal(takePage(large.slice(2), 2, 9).upTo, 3);
  assert.deepEqual(takePage(large.slice(3), 3, 9).hasMore, false);
});
