/** Limits and corners that no scenario reaches. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { ALL_CAPABILITIES } from '../src/capabilities';
import { Chat } from '../src/chat';
import { makeCursor, readCursor } from '../src/dialect/full';
import { ProtocolError } from '../src/errors';
import * as limits from '../src/limits';
import { SendChains } from '../src/ordering';
import { withFolder, withServer } from './harness';

interface JoinAnswer {
  data: { memberCount: number; members: { userId: string }[] };
}

function code(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert(error instanceof ProtocolError);
    return error.body.code;
  }
  return 'accepted';
}

test('L-3: a room is full at its last member', async () => {
  const { chat } = await Chat.open({
    capabilities: new Set(ALL_CAPABILITIES),
    maxRoomsPerUser: 10,
    maxMembersPerRoom: 2,
    commitDelayMs: 0,
    onLogFailure: assert.ifError,
  });
  const join = (user: string): string =>
    code(() => chat.join(user, 'r', 'channel'));
  assert.deepEqual(['alice', 'bob', 'carol', 'bob'].map(join), [
    'accepted',
    'accepted',
    'FORBIDDEN',
    'accepted',
  ]);
  chat.leave('alice', 'r');
  assert.equal(join('carol'), 'accepted');
});

test('J-3: a join lists the first 100 members', () =>
  withServer({}, async (connect) => {
    const count = limits.MAX_LISTED_MEMBERS + 1;
    const users = Array.from({ length: count }, (_, index) => `u${index}`);
    let last: JoinAnswer['data'] | undefined;
    for (const user of users) {
      const peer = await connect(user);
      const answer = await peer.request('room:join', { roomName: 'r' });
      last = (answer as JoinAnswer).data;
    }
    assert.equal(last?.memberCount, count);
    assert.deepEqual(
      last.members.map(({ userId }) => userId),
      users.slice(0, limits.MAX_LISTED_MEMBERS),
    );
  }));

test('R-2: authenticated lists at most 100 rooms', () =>
  withServer({}, async (connect) => {
    const alice = await connect('alice');
    for (let index = 0; index <= limits.MAX_LISTED_ROOMS; index++) {
      await alice.request('room:join', { roomName: `r${index}` });
    }
    const again = await connect('alice');
    assert.equal(again.rooms.length, limits.MAX_LISTED_ROOMS);
  }));

test('H-4: a cursor is held to its epoch and to the end', () => {
  const cursor = makeCursor('epoch', 5);
  assert.equal(readCursor(cursor, 'epoch', 5), 5);
  assert.equal(readCursor(cursor, 'epoch', 6), 5);
  assert.equal(readCursor(makeCursor('a:b', 0), 'a:b', 0), 0);
  assert.equal(
    code(() => readCursor(cursor, 'epoch', 4)),
    'EPOCH_CHANGED',
  );
  assert.equal(
    code(() => readCursor(cursor, 'other', 5)),
    'EPOCH_CHANGED',
  );
  for (const text of ['', '5', ':5', 'epoch:', 'epoch:-1', 'epoch:05']) {
    assert.equal(
      code(() => readCursor(text, 'epoch', 5)),
      'INVALID_PAYLOAD',
    );
  }
});

test('O-5: an answer makes room for one more', () => {
  const chains = new SendChains();
  assert.deepEqual([chains.begin('r'), chains.begin('r')], [1, 2]);
  chains.answered('r');
  assert.deepEqual([chains.begin('r'), chains.begin('s')], [2, 1]);
  chains.answered('r');
  chains.answered('r');
  assert.equal(chains.begin('r'), 1);
});

test('R-4: membership that is not durable does not outlive the server', () =>
  withFolder(async (dir) => {
    await withServer({ dataDir: dir }, async (connect) => {
      const alice = await connect('alice');
      await alice.request('room:join', { roomName: 'r' });
    });
    const weak = { dataDir: dir, capabilities: new Set([]) };
    await withServer(weak, async (connect) => {
      const alice = await connect('alice');
      const send = { roomName: 'r', content: 'x' };
      const answer = await alice.request('message:send', send);
      const { error } = answer as { error?: { code: string } };
      assert.equal(error?.code, 'NOT_IN_ROOM');
    });
  }));
