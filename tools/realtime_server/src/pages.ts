/** Reading in pages: PROTOCOL.md, rules H-3 to H-5 and B-3. */

import { ProtocolError } from './errors';
import * as limits from './limits';
import { type JsonObject, asCount, asText, invalid, optional } from './payload';

/** What the numbers of a cursor count. */
export type Order = 'seq' | 'change' | 'join';

const MARKS: Record<Order, string> = { seq: ':', change: '@', join: '#' };

/** The history that cursors belong to, and where it ends. */
export interface Position {
  historyEpoch: string;
  order: Order;
  last: number;
}

export interface PageRequest {
  cursor?: string;
  limit: number;
}

export interface Page<T> {
  items: T[];
  /** The number of the last item, or where the page began. */
  upTo: number;
  hasMore: boolean;
}

/** @throws ProtocolError INVALID_PAYLOAD */
export function readPageRequest(payload: JsonObject): PageRequest {
  const cursor = optional(payload, 'cursor', (value, field) =>
    asText(value, field, { maxBytes: limits.MAX_ID_BYTES }),
  );
  const limit =
    optional(payload, 'limit', (value, field) =>
      asCount(value, field, 1, limits.MAX_PAGE_ITEMS),
    ) ?? limits.DEFAULT_PAGE_ITEMS;
  return cursor === undefined ? { limit } : { cursor, limit };
}

/** A cursor is opaque to clients: the epoch, and a number in it. */
export function makeCursor(
  { historyEpoch, order }: Pick<Position, 'historyEpoch' | 'order'>,
  number: number,
): string {
  return `${historyEpoch}${MARKS[order]}${number}`;
}

/**
 * The number that the cursor stands after; none stands before the first.
 *
 * @throws ProtocolError EPOCH_CHANGED when it is of another history
 */
export function readCursor(
  cursor: string | undefined,
  { historyEpoch, order, last }: Position,
): number {
  if (cursor === undefined) return 0;
  const match = /^(?<epoch>.+)(?<mark>[:@#])(?<number>0|[1-9]\d{0,14})$/s.exec(
    cursor,
  );
  const { epoch, mark, number } = match?.groups ?? {};
  if (
    epoch === undefined ||
    number === undefined ||
    (mark === MARKS.join) !== (order === 'join')
  ) {
    throw invalid('cursor', 'is none of this server');
  }
  // A seq is never larger than the change of its message, so it is good as a
  // change too; the other way round it would skip messages.
  const skips = mark === MARKS.change && order === 'seq';
  if (epoch !== historyEpoch || Number(number) > last || skips) {
    throw new ProtocolError(
      'EPOCH_CHANGED',
      'the cursor belongs to a history that is gone; read without a cursor',
      { details: { historyEpoch } },
    );
  }
  return Number(number);
}

/** The first of `numbered`: at most `limit`, and MAX_PAGE_BYTES. */
export function takePage<T>(
  numbered: Iterable<[number, T]>,
  after: number,
  limit: number,
): Page<T> {
  const items: T[] = [];
  let upTo = after;
  let bytes = 0;
  for (const [number, item] of numbered) {
    if (items.length === limit) return { items, upTo, hasMore: true };
    bytes += Buffer.byteLength(JSON.stringify(item));
    if (bytes > limits.MAX_PAGE_BYTES && items.length > 0) {
      return { items, upTo, hasMore: true };
    }
    items.push(item);
    upTo = number;
  }
  return { items, upTo, hasMore: false };
}
