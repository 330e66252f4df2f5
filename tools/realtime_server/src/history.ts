/** Reads a room's history as any client would. */

import { io, type Socket } from 'socket.io-client';

import { UsageError, type ErrorBody } from './errors';
import * as limits from './limits';
import type { ToldMessage } from './messages';

const TIMEOUT_MS = 10_000;

interface Page {
  messages: ToldMessage[];
  cursor: string;
  hasMore: boolean;
}

type Answer =
  | { success: true; data: Page }
  | { success: false; error: ErrorBody };

/** Resolves with the ready event; nothing may be sent before it. */
function ready(socket: Socket, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new UsageError(`${url} does not become ready`));
    }, TIMEOUT_MS);
    socket.once('connected', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once('connect_error', (error) => {
      clearTimeout(timer);
      reject(new UsageError(`cannot connect to ${url}: ${error.message}`));
    });
  });
}

/**
 * Gives each message of the room to `onMessage` in its present form, in the
 * order of `seq`. The user must be a member.
 *
 * @throws UsageError
 */
export async function readHistory(
  url: string,
  token: string,
  roomName: string,
  onMessage: (message: ToldMessage) => void,
): Promise<void> {
  const socket = io(url, {
    auth: { token },
    transports: ['websocket'],
    reconnection: false,
  });
  try {
    await ready(socket, url);
    // Pages may be in the order of changes, and give a changed message again.
    const bySeq: ToldMessage[] = [];
    let request: object = { roomName, limit: limits.MAX_PAGE_ITEMS };
    for (let hasMore = true; hasMore; ) {
      const answer = (await socket
        .timeout(TIMEOUT_MS)
        .emitWithAck('sync:messages', request)) as Answer;
      if (!answer.success) {
        const { code, message } = answer.error;
        throw new UsageError(`cannot read the room: ${code}: ${message}`);
      }
      for (const message of answer.data.messages) bySeq[message.seq] = message;
      request = { ...request, cursor: answer.data.cursor };
      hasMore = answer.data.hasMore;
    }
    // Passes over the hole at 0: the first seq is 1.
    bySeq.forEach(onMessage);
  } finally {
    socket.disconnect();
  }
}
