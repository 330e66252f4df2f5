/** What only shows below Socket.IO's own client: frames, sizes, garbage. */

import assert from 'node:assert/strict';
import test from 'node:test';

import * as limits from '../src/limits';
import type { ServerOptions } from '../src/server';
import { tokenFor, withServer, type Connect } from './harness';
import { RawClient } from './raw_client';

function withClient(
  body: (client: RawClient, connect: Connect) => Promise<void>,
  options: Partial<ServerOptions> = {},
): Promise<void> {
  return withServer(options, async (connect, url) => {
    const client = new RawClient(url);
    try {
      await body(client, connect);
    } finally {
      client.close();
    }
  });
}

test('T-1: the frames of a session', () =>
  withClient(
    async (client) => {
      const open = await client.next();
      assert.equal(open[0], '0');
      const { sid, ...session } = JSON.parse(open.slice(1)) as {
        sid: unknown;
      };
      assert.equal(typeof sid, 'string');
      assert.deepEqual(session, {
        upgrades: [],
        pingInterval: 1000,
        pingTimeout: 5000,
        maxPayload: limits.DEFAULT_MAX_PAYLOAD_BYTES,
      });
      client.send(`40${JSON.stringify({ token: tokenFor('alice') })}`);
      // T-3: no `pid`, so nothing is recovered.
      assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
      assert.match(await client.next(), /^42\["connected",\{/);
      assert.match(await client.next(), /^42\["authenticated",\{/);
      client.send('420["ping"]');
      assert.match(await client.next(), /^42\["pong",\{"timestamp":\d+\}\]$/);
      assert.match(await client.next(), /^430\[\{"success":true,"data":\{/);
      // The heartbeat goes on only because the client answers it.
      for (let beat = 0; beat < 2; beat++) {
        assert.equal(await client.next(), '2');
        client.send('3');
      }
    },
    { pingIntervalMs: 1000, pingTimeoutMs: 5000 },
  ));

test('T-2: a client that does not answer the heartbeat is closed', () =>
  withClient(
    async (client) => {
      await client.connect('alice');
      await client.closed();
    },
    { pingIntervalMs: 50, pingTimeoutMs: 50 },
  ));

test('T-2: a frame larger than maxPayload closes the connection', () =>
  withClient(
    async (client) => {
      await client.connect('alice');
      client.send(`42["x","${'x'.repeat(2000)}"]`);
      assert.equal(await client.closed(), 1009);
    },
    { maxPayloadBytes: 1000 },
  ));

test('T-3: no connection state is recovered', () =>
  withClient(async (client) => {
    await client.next();
    const recovery = { pid: 'x', offset: 'y' };
    client.send(
      `40${JSON.stringify({ token: tokenFor('alice'), ...recovery })}`,
    );
    assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
    assert.match(await client.next(), /^42\["connected",/);
  }));

test('T-1: binary attachments are refused', () =>
  withClient(async (client) => {
    await client.connect('alice');
    client.send('421["room:join",{"roomName":"r"}]');
    assert.match(await client.next(), /^431\[\{"success":true/);
    const placeholder = '{"_placeholder":true,"num":0}';
    for (const [ack, field] of ['content', 'metadata'].entries()) {
      const other = field === 'content' ? '' : '"content":"x",';
      const value = field === 'content' ? placeholder : `{"k":${placeholder}}`;
      client.send(
        `451-${ack}["message:send",{"roomName":"r",${other}"${field}":${value}}]`,
      );
      client.send(Buffer.from([1, 2, 3]));
      const answer = await client.next();
      assert(answer.startsWith(`43${ack}[{"success":false`), answer);
      assert(answer.includes('"INVALID_PAYLOAD"'), answer);
    }
  }));

test('T-1: garbage ends the connection and nothing else', () =>
  withClient(async (client, connect) => {
    await client.connect('alice');
    client.send('42{"not":"an event"}');
    await client.closed();
    await connect('bob');
  }));

test('M-2: a lone surrogate is no text', () =>
  withClient(async (client) => {
    await client.connect('alice');
    client.send('421["room:join",{"roomName":"r"}]');
    await client.next();
    const bad = '\\ud800';
    const sends = [
      `"roomName":"r","content":"${bad}"`,
      `"roomName":"${bad}","content":"x"`,
      `"roomName":"r","content":"x","metadata":{"k":{"${bad}":1}}`,
      `"roomName":"r","content":"x","metadata":{"k":["${bad}"]}`,
    ];
    for (const send of sends) {
      client.send(`422["message:send",{${send}}]`);
      assert.match(await client.next(), /"code":"INVALID_PAYLOAD"/);
    }
    client.send(
      '422["message:send",{"roomName":"r","content":"\\ud83d\\ude00"}]',
    );
    assert.match(await client.next(), /^42\["message:new",.*😀/u);
  }));

test('L-2: one unanswered request too many is refused at once', () =>
  withClient(
    async (client) => {
      await client.connect('alice');
      for (let id = 0; id <= limits.MAX_PENDING_REQUESTS; id++) {
        client.send(`42${id}["room:join",{"roomName":"r"}]`);
      }
      const first = await client.next();
      assert.match(first, /^431024\[\{"success":false.*"RATE_LIMITED"/);
      assert.match(first, /"retryAfterMs":\d+/);
      for (let id = 0; id < limits.MAX_PENDING_REQUESTS; id++) {
        const answer = await client.next();
        assert(answer.startsWith(`43${id}[{"success":true`), answer);
      }
    },
    { commitDelayMs: 2000 },
  ));

test('M-2: lists and objects are limited', () =>
  withServer({}, async (connect) => {
    const alice = await connect('alice');
    await alice.request('room:join', { roomName: 'r' });
    const many = (count: number, value: unknown): unknown[] =>
      Array<unknown>(count).fill(value);
    const entries = (count: number): object =>
      Object.fromEntries(many(count, 0).map((_, index) => [`k${index}`, 1]));
    const file = { id: '1', type: 'file', name: 'a' };
    const cases: [string, unknown, unknown][] = [
      [
        'mentions',
        many(limits.MAX_MENTIONS, 'u'),
        many(limits.MAX_MENTIONS + 1, 'u'),
      ],
      [
        'attachments',
        many(limits.MAX_ATTACHMENTS, file),
        many(limits.MAX_ATTACHMENTS + 1, file),
      ],
      [
        'metadata',
        entries(limits.MAX_METADATA_ENTRIES),
        entries(limits.MAX_METADATA_ENTRIES + 1),
      ],
      [
        'metadata',
        { ['k'.repeat(limits.MAX_METADATA_KEY_BYTES)]: 1 },
        { ['k'.repeat(limits.MAX_METADATA_KEY_BYTES + 1)]: 1 },
      ],
      [
        'metadata',
        { k: many((limits.MAX_METADATA_VALUE_BYTES - 2) / 2, 1) },
        { k: many(limits.MAX_METADATA_VALUE_BYTES, 1) },
      ],
      [
        'threadId',
        't'.repeat(limits.MAX_ID_BYTES),
        't'.repeat(limits.MAX_ID_BYTES + 1),
      ],
    ];
    for (const [field, most, tooMuch] of cases) {
      const send = (value: unknown): Promise<unknown> =>
        alice.request('message:send', {
          roomName: 'r',
          content: 'x',
          [field]: value,
        });
      const good = (await send(most)) as { success: boolean };
      assert.equal(good.success, true, `${field} at its limit`);
      const bad = (await send(tooMuch)) as { error?: { code: string } };
      assert.equal(bad.error?.code, 'INVALID_PAYLOAD', `${field} beyond it`);
    }
  }));
