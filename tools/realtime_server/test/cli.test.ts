/** `run` as its users start it. */

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { afterEach } from 'node:test';

import {
  signToken,
  verifyClaims,
  verifyToken,
  DEVELOPMENT_SECRET,
  HMAC_ALGORITHMS,
} from '../src/auth';
import { SERVER_DIR, tokenFor, withFolder } from './harness';
import { Peer } from './peer';

const RUN = join(SERVER_DIR, 'run');
const READY_WITHIN_MS = 3000;

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A process that does not outlive the tests, however they end. */
function launch(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(RUN, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launched.add(child);
  child.once('exit', () => launched.delete(child));
  return child;
}

const launched = new Set<ChildProcess>();
afterEach(() => {
  for (const child of launched) child.kill('SIGKILL');
});

async function run(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Result> {
  const child = launch(args, env);
  const result: Result = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (data) => (result.stdout += String(data)));
  child.stderr?.on('data', (data) => (result.stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...result, code };
}

/** The URL that the server prints, and how long that took. */
async function ready(
  child: ChildProcess,
): Promise<{ url: string; ms: number }> {
  const start = Date.now();
  assert(child.stdout !== null);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line', {
    signal: AbortSignal.timeout(20_000),
  })) as [string];
  const match = /^listening (http:\/\/127\.0\.0\.1:\d+)$/.exec(line);
  assert(match?.[1] !== undefined, line);
  return { url: match[1], ms: Date.now() - start };
}

async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
): Promise<unknown> {
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

test('token prints a token for 24 hours and a newline', async () => {
  const { code, stdout, stderr } = await run(['token', '--user', 'álice']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const token = stdout.trim();
  assert.equal(verifyToken(token, DEVELOPMENT_SECRET), 'álice');
  const claims = JSON.parse(
    Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
  ) as Record<string, unknown>;
  const { userId, sub, iat, exp } = claims;
  assert.deepEqual([userId, sub], ['álice', 'álice']);
  assert.equal(Number(exp) - Number(iat), 24 * 60 * 60);
});

test('token --sub-only leaves userId out', async () => {
  const { stdout } = await run(['token', '--user', 'alice', '--sub-only']);
  const claims = verifyClaims(
    stdout.trim(),
    DEVELOPMENT_SECRET,
    HMAC_ALGORITHMS,
  );
  assert.deepEqual([claims['sub'], claims['userId']], ['alice', undefined]);
});

test('PARLEY_JWT_SECRET replaces the secret of tokens and server', async () => {
  const env = { PARLEY_JWT_SECRET: 'other' };
  const { stdout } = await run(['token', '--user', 'alice'], env);
  assert.equal(verifyToken(stdout.trim(), 'other'), 'alice');

  const child = launch(['--port', '0'], env);
  const { url } = await ready(child);
  const good = await Peer.open(url, signToken('alice', 'other'));
  good.close();
  const bad = Peer.connect(url, { token: tokenFor('alice') });
  assert.equal((await bad.next()).kind, 'refused');
  bad.close();
  assert.equal(await end(child, 'SIGTERM'), 0);
});

test('the process that was started is the server, ready within 3 s', async () => {
  const child = launch(['--port', '0']);
  const { url, ms } = await ready(child);
  assert(ms < READY_WITHIN_MS, `took ${ms} ms`);
  const alice = await Peer.open(url, tokenFor('alice'));
  assert.equal(await end(child, 'SIGKILL'), null);
  assert.equal((await alice.next()).kind, 'closed');
});

test('A-5: what was answered survives kill -9, and history prints it', () =>
  withFolder(async (dir) => {
    const args = ['--port', '0', '--data', join(dir, 'new', 'folder')];
    const first = launch(args);
    const alice = await Peer.open((await ready(first)).url, tokenFor('alice'));
    await alice.request('room:join', { roomName: 'r' });
    const total = 600;
    const sends = Array.from({ length: total }, (_, index) => index).map(
      (index) => () =>
        alice.request('message:send', {
          roomName: 'r',
          content: `m${index}`,
          clientMessageId: `c${index}`,
        }),
    );
    for (let from = 0; from < total; from += 15) {
      await Promise.all(sends.slice(from, from + 15).map((each) => each()));
    }
    const sent = (await sends[0]?.()) as { data: { messageId: string } };
    await alice.request('message:edit', {
      roomName: 'r',
      messageId: sent.data.messageId,
      content: 'edited',
      actionTime: '2020-01-01T00:00:00.000Z',
    });
    await end(first, 'SIGKILL');
    alice.close();

    const second = launch(args);
    const { url } = await ready(second);
    const where = ['--url', url, '--room', 'r'];
    const read = await run(['history', '--user', 'alice', ...where]);
    assert.deepEqual([read.code, read.stderr], [0, '']);
    const messages = read.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; content: string });
    assert.deepEqual(
      messages.map(({ seq, content }) => [seq, content]),
      sends.map((_, index) => [index + 1, index > 0 ? `m${index}` : 'edited']),
    );

    const other = await run(['history', '--user', 'bob', ...where]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /^run: cannot read the room: NOT_IN_ROOM/);
    assert.equal(await end(second, 'SIGTERM'), 0);
  }));

test('SIGTERM answers what was accepted, then ends', async () => {
  const slow = ['--commit-delay', '500', '--log-level', 'debug'];
  const child = launch(['--port', '0', ...slow]);
  const alice = await Peer.open((await ready(child)).url, tokenFor('alice'));
  alice.send('room:join', [{ roomName: 'r' }], 'join');
  assert(child.stderr !== null);
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('msg="request" event="room:join"')) break;
  }
  assert.equal(await end(child, 'SIGTERM'), 0);
  const answer = await alice.next();
  assert.equal(answer.kind === 'answer' && answer.ack, 'join');
  assert.equal((await alice.next()).kind, 'closed');
});

test('plugin: a fatal frame ends the process, loudly', async () =>
  withFolder(async (dir) => {
    const file = join(dir, 'frames');
    const child = launch([
      ...['--port', '0', '--dialect', 'plugin', '--data', dir],
      ...['--room', 'r1', '--room', 'r2', '--ready-delay', '20'],
      ...['--record-frames', file, '--allow-anonymous', '--seed', '3'],
    ]);
    let stderr = '';
    child.stderr?.on('data', (data) => (stderr += String(data)));
    const { url } = await ready(child);
    const alice = await Peer.open(url, tokenFor('alice'), 'plugin');
    for (const roomName of ['r1', 'r2', 'general', 'announcements']) {
      assert.deepEqual(await alice.request('room:join', { roomName }), {
        success: true,
        data: { roomName, memberCount: 1 },
      });
    }
    const exit = once(child, 'close');
    alice.send('typing:start', [null]);
    assert.deepEqual(await exit, [70, null]);
    assert.equal(stderr, 'fatal: typing:start of alice: there is no payload\n');
    assert.equal((await alice.next()).kind, 'closed');
    const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1);
    assert.match(String(last), /"from":"client".*typing:start/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }));

test('mistakes get one line and an exit code', async () => {
  const taken = createServer().unref();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const nobody = ['history', '--user', 'a', '--room', 'r'];
  const cases: [string[], number, RegExp][] = [
    [[], 2, /--port is needed/],
    [['--port', 'x'], 2, /--port must be a whole number/],
    [['--port', '65536'], 2, /--port must be a whole number/],
    [['--port', '0', '--colour'], 2, /--colour/],
    [['--port', '0', '--capabilities', 'flying'], 2, /unknown capability/],
    [
      ['--port', '0', '--capabilities', 'message.changes'],
      2,
      /only with history\.cursor/,
    ],
    [['--port', '0', '--fail-sync', 'r=OOPS'], 1, /--fail-sync.*no such code/],
    [['--port', '0', '--dialect', 'klingon'], 2, /--dialect must be one of/],
    [['--port', '0', '--log-level', 'loud'], 2, /--log-level must be one of/],
    [['--port', '0', '--fail-room', 'r'], 1, /is not ROOM=CODE/],
    [['--port', '0', '--fail-room', 'r=OOPS'], 1, /no such code: OOPS/],
    [['--port', '0', '--data', ''], 2, /--data is needed/],
    [['--port', '0', '--ready-delay', 'x'], 2, /--ready-delay must be/],
    [['--port', '0', '--record-frames', '/dev/null/x'], 1, /cannot record/],
    [['--port', '0', '--data', '/dev/null/x'], 1, /cannot open/],
    [['--port', String(port)], 1, /cannot listen on 127\.0\.0\.1:\d+/],
    [['token'], 2, /--user is needed/],
    [['dance'], 2, /dance/],
    [[...nobody], 2, /--url is needed/],
    [[...nobody, '--url', 'http://127.0.0.1:1'], 1, /cannot connect to/],
  ];
  for (const [args, code, message] of cases) {
    const result = await run(args);
    assert.equal(result.code, code, args.join(' '));
    assert.equal(result.stdout, '');
    assert.match(result.stderr, message);
    assert.match(result.stderr, /^run: [^\n]+\n$/);
  }
  taken.close();
});

test('--help says how, on stdout', async () => {
  const { code, stdout, stderr } = await run(['--help']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^usage: run --port N/);
});
