/** Limits and corners that no scenario reaches. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { ALL_CAPABILITIES } from '../src/capabilities';
import { Chat } from '../src/chat';
import { ProtocolError } from '../src/errors';
import * as limits from '../src/limits';
import { readSend } from '../src/messages';
import { SendChains } from '../src/ordering';
import { makeCursor, readCursor, type Order } from '../src/pages';
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

async function openChat(maxMembersPerRoom: number): Promise<Chat> {
  const { chat } = await Chat.open({
    capabilities: new Set(ALL_CAPABILITIES),
    maxRoomsPerUser: 10,
    maxMembersPerRoom,
    commitDelayMs: 0,
    onLogFailure: assert.ifError,
  });
  return chat;
}

function say(chat: Chat, content: string): string {
  const request = readSend({ roomName: 'r', content });
  return chat.send('u0', request, new SendChains()).message.messageId;
}

test('L-4: a message is full at its last reaction', async () => {
  const most = limits.MAX_REACTIONS_PER_MESSAGE;
  const chat = await openChat(most);
  for (let user = 0; user < most; user++) chat.join(`u${user}`, 'r', 'channel');
  const messageId = say(chat, 'x');
  const react = (user: number, emoji: string, added = true): string => {
    const actor = { userId: `u${user}`, deviceId: '' };
    const request = { roomName: 'r', messageId, emoji };
    return code(() => chat.react(actor, request, added));
  };
  for (let user = 0; user < most - 1; user++) react(user, '👍');
  assert.equal(react(0, '🎉'), 'accepted');
  assert.equal(react(most - 1, '👍'), 'FORBIDDEN');
  assert.equal(react(0, '👍'), 'accepted');
  assert.equal(react(0, '🎉', false), 'accepted');
  assert.equal(react(most - 1, '👍'), 'accepted');
  // Of each user and emoji there is one, and each took a change.
  assert.equal(chat.lastChange('r'), 1 + most + 2);
});

test('H-6: pages of a long history hold each message once', async () => {
  const chat = await openChat(1);
  chat.join('u0', 'r', 'channel');
  const count = 100_000;
  const ids = Array.from({ length: count }, (_, index) =>
    say(chat, `${index}`),
  );
  const actor = { userId: 'u0', deviceId: '' };
  const actionTime = '2020-01-01T00:00:00.000Z';
  const body = { content: 'edited' };
  for (let index = 0; index < count; index += 3) {
    const messageId = ids[index] ?? '';
    chat.edit(actor, { roomName: 'r', messageId, body, actionTime });
  }
  const seen = new Set<string>();
  let after = 0;
  for (let hasMore = true; hasMore; ) {
    const page = chat.page('u0', 'r', after, limits.MAX_PAGE_ITEMS);
    for (const { messageId, change = 0 } of page.items) {
      assert(change > after);
      after = change;
      seen.add(messageId);
    }
    assert.equal(page.upTo, after);
    hasMore = page.hasMore;
  }
  assert.equal(seen.size, count);
  assert.equal(after, chat.lastChange('r'));
});

test('L-3: a room is full at its last member', async () => {
  const chat = await openChat(2);
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

test('H-4: a cursor is held to its epoch, its order and the end', () => {
  const cursor = (historyEpoch: string, number: number, order: Order): string =>
    makeCursor({ historyEpoch, order }, number);
  const read = (
    text: string,
    last: number,
    order: Order = 'seq',
    historyEpoch = 'epoch',
  ): number => readCursor(text, { historyEpoch, order, last });
  const five = cursor('epoch', 5, 'seq');
  assert.equal(read(five, 5), 5);
  assert.equal(read(five, 6), 5);
  assert.equal(read(cursor('a:b', 0, 'seq'), 0, 'seq', 'a:b'), 0);
  // What a server without message.changes gave is good with it.
  assert.equal(read(five, 5, 'change'), 5);
  const changes = cursor('epoch', 5, 'change');
  assert.equal(read(changes, 5, 'change'), 5);
  const joins = cursor('epoch', 5, 'join');
  assert.equal(read(joins, 5, 'join'), 5);
  for (const gone of [
    (): number => read(five, 4),
    (): number => read(five, 5, 'seq', 'other'),
    (): number => read(changes, 5, 'seq'),
    (): number => read(changes, 4, 'change'),
    (): number => read(joins, 4, 'join'),
  ]) {
    assert.equal(code(gone), 'EPOCH_CHANGED');
  }
  for (const text of ['', '5', ':5', 'epoch:', 'epoch:-1', 'epoch:05', joins]) {
    assert.equal(
      code(() => read(text, 5)),
      'INVALID_PAYLOAD',
    );
  }
  assert.equal(
    code(() => read(five, 5, 'join')),
    'INVALID_PAYLOAD',
  );
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
