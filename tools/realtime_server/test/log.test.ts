/** The log through restarts, cuts and damage. */

import assert from 'node:assert/strict';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { LOG_FILE } from '../src/log';
import type { ToldMessage } from '../src/messages';
import { start, withFolder, withServer } from './harness';
import type { Peer } from './peer';

interface SendAnswer {
  success: boolean;
  data: { messageId: string; seq: number; duplicate?: true };
}

interface SyncAnswer {
  data: { messages: ToldMessage[]; cursor: string; historyEpoch: string };
}

/** A session of alice on a server over `dir`. */
function session<T>(
  dir: string,
  body: (alice: Peer) => Promise<T>,
): Promise<T> {
  return withServer({ dataDir: dir }, async (connect) =>
    body(await connect('alice')),
  );
}

async function send(alice: Peer, id: string): Promise<SendAnswer> {
  const message = { roomName: 'r', content: id, clientMessageId: id };
  return (await alice.request('message:send', message)) as SendAnswer;
}

async function history(
  alice: Peer,
  cursor?: string,
): Promise<SyncAnswer['data']> {
  const request = { roomName: 'r', cursor };
  const answer = await alice.request('sync:messages', request);
  return (answer as SyncAnswer).data;
}

function contents({ messages }: SyncAnswer['data']): string[] {
  return messages.map(({ content }) => content);
}

/** Messages one and two, and where their log is. */
async function twoMessages(dir: string): Promise<string> {
  await session(dir, async (alice) => {
    await alice.request('room:join', { roomName: 'r' });
    await send(alice, 'one');
    await send(alice, 'two');
  });
  return join(dir, LOG_FILE);
}

test('wherever the last write was cut, what came before is kept', () =>
  withFolder(async (dir) => {
    const path = await twoMessages(dir);
    const whole = await readFile(path);
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
    const cuts = [
      lastLine + 1,
      (lastLine + whole.length) >> 1,
      whole.length - 1,
    ];
    for (const cut of cuts) {
      await writeFile(path, whole);
      await truncate(path, cut);
      await session(dir, async (alice) => {
        assert.deepEqual(contents(await history(alice)), ['one']);
        // The cut message was never answered: it is new, and found next time.
        const answer = await send(alice, 'two');
        assert.equal(answer.data.seq, 2);
        assert.equal(answer.data.duplicate, undefined);
      });
      await session(dir, async (alice) => {
        assert.deepEqual(contents(await history(alice)), ['one', 'two']);
        assert.equal((await send(alice, 'two')).data.duplicate, true);
      });
    }
  }));

test('a log cut within its first line starts a new history', () =>
  withFolder(async (dir) => {
    const path = await twoMessages(dir);
    const before = await session(dir, history);
    await truncate(path, 10);
    await session(dir, async (alice) => {
      await alice.request('room:join', { roomName: 'r' });
      const after = await history(alice);
      assert.deepEqual(after.messages, []);
      assert.notEqual(after.historyEpoch, before.historyEpoch);
    });
  }));

test('a damaged line stops the server, which changes nothing', () =>
  withFolder(async (dir) => {
    const path = await twoMessages(dir);
    const whole = await readFile(path, 'utf8');
    const damaged = whole.replace('"one"', 'one"');
    await writeFile(path, damaged);
    await assert.rejects(start({ dataDir: dir }), /line 3 is damaged/);
    assert.equal(await readFile(path, 'utf8'), damaged);
  }));

test('a record of a newer server stops this one, which changes nothing', () =>
  withFolder(async (dir) => {
    const path = await twoMessages(dir);
    const text = `${await readFile(path, 'utf8')}{"record":"wormhole"}\n{"re`;
    await writeFile(path, text);
    await assert.rejects(start({ dataDir: dir }), /line 5 holds a record/);
    assert.equal(await readFile(path, 'utf8'), text);
  }));

test('a change of a message that the log does not have stops the server', () =>
  withFolder(async (dir) => {
    const path = await twoMessages(dir);
    const deletion = { deletedAt: '2020-01-01T00:00:00.000Z', deletedBy: 'a' };
    const where = { roomName: 'r', messageId: 'none' };
    const record = { record: 'delete', ...where, deletion };
    await appendFile(path, `${JSON.stringify(record)}\n`);
    await assert.rejects(start({ dataDir: dir }), /changes message none/);
  }));

test('a log without changes is one of a server that did not offer them', () =>
  withFolder(async (dir) => {
    const weak = ['history.cursor', 'rooms.membership'] as const;
    const options = { dataDir: dir, capabilities: new Set(weak) };
    const cursor = await withServer(options, async (connect) => {
      const alice = await connect('alice');
      await alice.request('room:join', { roomName: 'r' });
      await send(alice, 'one');
      const { cursor } = await history(alice);
      await send(alice, 'two');
      return cursor;
    });
    await session(dir, async (alice) => {
      const { messages } = await history(alice, cursor);
      const [two] = messages;
      assert.equal(messages.length, 1);
      assert.deepEqual(
        [two?.content, two?.change, two?.version],
        ['two', 2, 1],
      );
      const edit = { content: 'new', actionTime: '2020-01-01T00:00:00.000Z' };
      const { messageId } = two ?? {};
      await alice.request('message:edit', {
        roomName: 'r',
        messageId,
        ...edit,
      });
    });
    // Content is never older than it is, whatever the server offers.
    await withServer(options, async (connect) => {
      const { messages } = await history(await connect('alice'));
      const forms = messages.map(({ content, change }) => [content, change]);
      assert.deepEqual(forms, [
        ['one', undefined],
        ['new', undefined],
      ]);
    });
  }));

test('a file that is no log of this version is refused', () =>
  withFolder(async (dir) => {
    const path = join(dir, LOG_FILE);
    for (const text of ['{"record":"epoch","version":2}\n', '{}\n', '[]\n']) {
      await writeFile(path, text);
      await assert.rejects(start({ dataDir: dir }), /no log of version 1/);
      assert.equal(await readFile(path, 'utf8'), text);
    }
    await appendFile(path, '{}\n');
    await assert.rejects(start({ dataDir: join(path, 'x') }), /cannot open/);
  }));
