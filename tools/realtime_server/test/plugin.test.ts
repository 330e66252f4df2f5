/** What of PLUGIN.md no vector can say: frames, time, chance. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { DEVELOPMENT_SECRET, signClaims, signToken } from '../src/auth';
import { DEFAULT_ROOMS, type PluginOptions } from '../src/dialect/plugin';
import { Logger } from '../src/logger';
import { QueryPool, seededRandom } from '../src/query_pool';
import type { ServerOptions } from '../src/server';
import { tokenFor, withFolder, withServer } from './harness';
import { Peer } from './peer';
import { RawClient } from './raw_client';

const SEND = (text: string, ack: number | string = ''): string =>
  `42${ack}["message:send",{"roomName":"general","content":"${text}"}]`;

/** A server, and connections that are closed in the end. */
interface Bed {
  url: string;
  fatal: string[];
  raw: () => RawClient;
  connect: (user: string) => Promise<RawClient>;
}

function withPlugin(
  body: (bed: Bed) => Promise<void>,
  plugin: Partial<PluginOptions> = {},
  options: Partial<ServerOptions> = {},
): Promise<void> {
  const fatal: string[] = [];
  const defaults = {
    rooms: DEFAULT_ROOMS,
    readyDelayMs: 5,
    seed: 1,
    allowAnonymous: false,
  };
  return withServer(
    {
      dialect: 'plugin',
      plugin: { ...defaults, ...plugin },
      onFatalFrame: (reason) => fatal.push(reason),
      ...options,
    },
    async (_connect, url) => {
      const clients: RawClient[] = [];
      const raw = (): RawClient => {
        const client = new RawClient(url);
        clients.push(client);
        return client;
      };
      try {
        await body({
          url,
          fatal,
          raw,
          connect: async (user) => {
            const client = raw();
            await client.connect(user, 'connected');
            return client;
          },
        });
        assert.deepEqual(fatal, []);
      } finally {
        for (const client of clients) client.close();
      }
    },
  );
}

function auth(claims: Record<string, unknown>, extra = {}): string {
  const token = signClaims(claims, DEVELOPMENT_SECRET);
  return `40${JSON.stringify({ token, ...extra })}`;
}

/** Frames up to the first that starts so; that one is the last. */
async function upTo(client: RawClient, start: string): Promise<string[]> {
  const frames: string[] = [];
  for (;;) {
    const frame = await client.next();
    frames.push(frame);
    if (frame.startsWith(start)) return frames;
  }
}

/** The frames of a session as they were seen on the wire. */
test('PT-1: frames and limits are those of the plugin', () =>
  withPlugin(
    async ({ raw }) => {
      const client = raw();
      assert.match(
        await client.next(),
        /^0\{"sid":"[^"]+","upgrades":\[\],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000\}$/,
      );
      client.send('40/chat,{}');
      assert.equal(
        await client.next(),
        '44/chat,{"message":"Invalid namespace"}',
      );
      client.send(auth({ userId: 'alice' }, { device: { os: 'Linux' } }));
      assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
      assert.equal(
        await client.next(),
        '42["presence:changed",{"userId":"alice","status":"online","customStatus":null,"customEmoji":null}]',
      );
      assert.match(
        await client.next(),
        /^42\["connected",\{"socketId":"[^"]+","serverTime":"[^"]+","protocolVersion":"1\.0"\}\]$/,
      );
      client.send('420["room:join",{"roomName":"general"}]');
      assert.equal(
        await client.next(),
        '430[{"success":true,"data":{"roomName":"general","memberCount":1}}]',
      );
      client.send('421["room:join",{"roomName":"nope"}]');
      assert.equal(
        await client.next(),
        '431[{"success":false,"error":{"code":"ROOM_NOT_FOUND","message":"Room not found"}}]',
      );
      client.send(SEND('hi', 2));
      assert.match(
        await client.next(),
        /^42\["message:new",\{"roomName":"general","userId":"alice","content":"hi","timestamp":"[^"]+"\}\]$/,
      );
      assert.equal(await client.next(), '432[{"success":true}]');
      client.send(SEND('x'.repeat(999_000), 3));
      await client.next();
      assert.equal(await client.next(), '433[{"success":true}]');
      client.send(SEND('x'.repeat(1_000_001), 4));
      assert.equal(await client.closed(), 1009);
    },
    {},
    { pingTimeoutMs: 60_000 },
  ));

test('PT-2: nothing is replayed', () =>
  withPlugin(async ({ raw }) => {
    const client = raw();
    await client.next();
    client.send(auth({ userId: 'a' }, { pid: 'x', offset: 'y' }));
    assert.match(await client.next(), /^40\{"sid":"[^"]+"\}$/);
  }));

test('PT-3: what is no packet, or out of place, closes with an empty frame', () =>
  withPlugin(async ({ connect }) => {
    const other = await connect('bob');
    for (const frame of ['42{"a":', `40{}`, '2', '2probe', '4x']) {
      const client = await connect('alice');
      client.send(frame);
      assert.equal(await client.closed(), 1005, frame);
    }
    other.send('42["ping"]');
    await upTo(other, '42["pong"');
  }));

test('PT-3: heartbeats and upgrades out of place are ignored', () =>
  withPlugin(async ({ connect }) => {
    const client = await connect('alice');
    for (const frame of ['1', '5', '6']) client.send(frame);
    client.send('42["ping"]');
    assert.match(await client.next(), /^42\["pong"/);
  }));

test('PT-4: binary content is relayed', () =>
  withPlugin(async ({ connect }) => {
    const client = await connect('alice');
    client.send('420["room:join",{"roomName":"general"}]');
    await client.next();
    client.send(
      '451-6["message:send",{"roomName":"general","content":{"_placeholder":true,"num":0}}]',
    );
    client.send(Buffer.from('meow'));
    assert.match(
      await client.next(),
      /^451-\["message:new",\{.*"content":\{"_placeholder":true,"num":0\}/,
    );
    assert.equal(await client.next(), 'meow');
    assert.equal(await client.next(), '436[{"success":true}]');
  }));

test('PT-5: other requests are left hanging', () =>
  withPlugin(async ({ url }) => {
    const signal = AbortSignal.timeout(300);
    await assert.rejects(fetch(`${url}/health`, { signal }), {
      name: 'TimeoutError',
    });
  }));

test('PC-1: any HMAC, in the CONNECT payload only', () =>
  withPlugin(async ({ raw }) => {
    const client = raw();
    await client.next();
    client.send('40{"Authorization":"Bearer x"}');
    assert.equal(
      await client.next(),
      '44{"message":"Authentication required"}',
    );
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const token = signClaims({ userId: alg }, DEVELOPMENT_SECRET, alg);
      const other = raw();
      await other.next();
      other.send(`40${JSON.stringify({ token })}`);
      assert.match(await other.next(), /^40\{/, alg);
    }
  }));

test('PC-2: the connection below stays open after a refusal', () =>
  withPlugin(async ({ raw }) => {
    const client = raw();
    await client.next();
    client.send('40{"token":"x"}');
    assert.equal(await client.next(), '44{"message":"Invalid token"}');
    client.send(`40${JSON.stringify({ token: tokenFor('alice') })}`);
    assert.match(await client.next(), /^40\{/);
  }));

test('PC-4: a token that expires later ends nothing', () =>
  withPlugin(async ({ raw }) => {
    const client = raw();
    await client.next();
    const exp = Date.now() / 1000 + 0.3;
    client.send(auth({ userId: 'alice', exp }));
    await upTo(client, '42["connected"');
    while (Date.now() / 1000 <= exp) await delay(20);
    client.send('42["ping"]');
    assert.match(await client.next(), /^42\["pong"/);
  }));

test('PR-2: what comes before connected is lost, without a word', () =>
  withPlugin(
    async ({ raw }) => {
      const client = raw();
      await client.next();
      client.send(`40${JSON.stringify({ token: tokenFor('alice') })}`);
      await client.next();
      client.send('420["room:join",{"roomName":"general"}]');
      client.send('42["ping"]');
      // Not even a frame that would end the process.
      client.send('42["typing:start"]');
      await upTo(client, '42["connected"');
      client.send(SEND('x', 1));
      assert.equal(await client.next(), '431[{"success":true}]');
    },
    { readyDelayMs: 100 },
    { logger: new Logger('silent') },
  ));

test('PR-3: a connection that ends too early stays counted', () =>
  withPlugin(
    async ({ raw, connect }) => {
      const observer = await connect('bob');
      const early = raw();
      await early.next();
      early.send(`40${JSON.stringify({ token: tokenFor('alice') })}`);
      await early.next();
      early.close();
      await upTo(observer, '42["presence:changed",{"userId":"alice"');
      const late = await connect('alice');
      late.close();
      await upTo(observer, '42["presence:changed",{"userId":"alice"');
      observer.send('42["ping"]');
      const rest = await upTo(observer, '42["pong"');
      assert.equal(rest.length, 1, 'alice is still there');
    },
    { readyDelayMs: 50 },
  ));

/** How many neighbours are the wrong way round. */
function inversions(values: number[]): number {
  return values.filter((value, index) => value < (values[index - 1] ?? -1))
    .length;
}

test('PM-4: sends on their way together are reordered, one by one they are not', () =>
  withPlugin(async ({ connect }) => {
    const [alice, bob] = [await connect('alice'), await connect('bob')];
    for (const client of [alice, bob]) {
      client.send('420["room:join",{"roomName":"general"}]');
      await upTo(client, '430');
    }
    await upTo(alice, '42["user:joined"');
    const total = 50;
    for (let i = 0; i < total; i++) alice.send(SEND(String(i), i));
    const numbers = async (
      client: RawClient,
      pattern: RegExp,
    ): Promise<number[]> => {
      const found: number[] = [];
      while (found.length < total) {
        const match = pattern.exec(await client.next());
        if (match !== null) found.push(Number(match[1]));
      }
      return found;
    };
    const seen = await numbers(bob, /"content":"(\d+)"/);
    assert(inversions(seen) > 0, 'a burst is reordered');
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      seen.map((_, index) => index),
    );
    const frames: string[] = [];
    while (frames.filter((each) => each.startsWith('43')).length < total) {
      frames.push(await alice.next());
    }
    const own = frames.flatMap((each) => /"content":"(\d+)"/.exec(each) ?? []);
    assert.deepEqual(
      own.filter((_, index) => index % 2 === 1).map(Number),
      seen,
      'for everybody in the same way',
    );

    for (let i = 0; i < total; i++) {
      alice.send(SEND(String(i), i));
      await upTo(alice, `43${i}[`);
    }
    assert.equal(inversions(await numbers(bob, /"content":"(\d+)"/)), 0);
  }));

test('PA-3: how queries overtake each other follows from the seed', async () => {
  const orderOf = async (seed: number): Promise<number[]> => {
    const pool = new QueryPool(seededRandom(seed));
    const order: number[] = [];
    const queries = Array.from({ length: 50 }, (_, index) =>
      pool.query().then(() => order.push(index)),
    );
    await Promise.all(queries);
    return order;
  };
  const first = await orderOf(7);
  assert(inversions(first) > 0);
  assert.deepEqual(await orderOf(7), first);
  assert.notDeepEqual(await orderOf(8), first);
});

/** Runs it with other chances until it has come out in both ways. */
async function bothHappen(
  outcome: (bed: Bed) => Promise<boolean>,
): Promise<void> {
  const seen = new Set<boolean>();
  for (let seed = 1; seed <= 60 && seen.size < 2; seed++) {
    await withPlugin(
      async (bed) => {
        seen.add(await outcome(bed));
      },
      { seed },
    );
  }
  assert.equal(seen.size, 2);
}

test('PM-5: a send may overtake the join before it', () =>
  bothHappen(async ({ connect }) => {
    const client = await connect('alice');
    client.send('420["room:join",{"roomName":"general"}]');
    client.send(SEND('x', 1));
    const frames: string[] = [];
    while (frames.filter((each) => each.startsWith('43')).length < 2) {
      frames.push(await client.next());
    }
    return frames.some((each) => each.startsWith('42["message:new"'));
  }));

test('PW-4: a stop may overtake the start before it', () =>
  bothHappen(async ({ connect }) => {
    const [alice, bob] = [await connect('alice'), await connect('bob')];
    bob.send('420["room:join",{"roomName":"general"}]');
    await upTo(bob, '430');
    const payload = '{"roomName":"general","threadId":"t"}';
    alice.send(`42["typing:start",${payload}]`);
    alice.send(`42["typing:stop",${payload}]`);
    await upTo(bob, '42["typing:event"');
    return (await upTo(bob, '42["typing:event"')).some((frame) =>
      frame.includes('"users":[]'),
    );
  }));

test('PW-2: a start ends after 3 s and nobody is told', () =>
  withPlugin(async ({ connect }) => {
    const [alice, bob] = [await connect('alice'), await connect('bob')];
    alice.send('420["room:join",{"roomName":"general"}]');
    await upTo(alice, '430');
    const start = '42["typing:start",{"roomName":"general"}]';
    bob.send(start);
    assert.match(await alice.next(), /"users":\[\{"userId":"bob"/);
    await delay(3100);
    assert.deepEqual(alice.pending(), []);
    bob.send(start);
    const [frame = ''] = await upTo(alice, '42["typing:event"');
    assert.equal(frame.split('"userId"').length - 1, 1);
  }));

test('PX-5: a token whose user is too long for its column', () =>
  withPlugin(async ({ raw, fatal }) => {
    const claims = [
      { userId: 'x'.repeat(256) },
      { userId: 'a', sessionId: 'x'.repeat(256) },
      { userId: 'a\0' },
    ];
    for (const each of claims) {
      const client = raw();
      await client.next();
      client.send(auth(each));
      while (fatal.length === 0) await delay(2);
      assert.match(String(fatal.shift()), /^CONNECT: (userId|sessionId) /);
    }
  }));

test('every frame is recorded, the last one too', () =>
  withFolder(async (dir) => {
    const file = join(dir, 'frames.jsonl');
    await withPlugin(
      async ({ url, fatal, connect }) => {
        const client = await connect('alice');
        client.send('42["pong"]');
        while (fatal.length === 0) await delay(2);
        fatal.length = 0;
        const peer = await Peer.open(
          url,
          signToken('b', DEVELOPMENT_SECRET),
          'plugin',
        );
        peer.close();
      },
      {},
      { recordFrames: file },
    );
    const lines = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    const first = lines[0]?.['connection'];
    const frames = lines
      .filter(({ connection }) => connection === first)
      .map(({ from, frame }) => [from, frame?.slice(0, 12)]);
    assert.deepEqual(frames.slice(0, 5), [
      ['client', '40{"token":"'],
      ['server', '40{"sid":"' + String(frames[1]?.[1]).slice(10)],
      ['server', '42["presence'],
      ['server', '42["connecte'],
      ['client', '42["pong"]'],
    ]);
    assert(new Set(lines.map(({ connection }) => connection)).size === 2);
  }));
