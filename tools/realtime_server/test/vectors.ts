/** Reads the vectors and plays them against this server. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { DEVELOPMENT_SECRET } from '../src/auth';
import { parseCapabilities } from '../src/capabilities';
import { DEFAULT_READY_DELAY_MS, DEFAULT_ROOMS } from '../src/dialect/plugin';
import type { DialectName, RunningServer, ServerOptions } from '../src/server';
import { SERVER_DIR, start } from './harness';
import { fill, fillToken, mismatch, type Captures } from './matcher';
import { Peer, READY_EVENTS, type Received } from './peer';
import { waitUntil } from './wait_until';

const VECTORS_DIR = join(SERVER_DIR, 'vectors');
const SAMPLES_FILE = 'samples.json';

interface Send {
  event: string;
  payload?: unknown;
  /** In place of the payload: any number of arguments. */
  args?: unknown[];
  ack?: string;
}

export interface Step {
  client?: string;
  open?: string;
  openNobody?: true;
  connect?: Record<string, unknown>;
  expect_refused?: { message: string; data: unknown };
  send?: Send;
  expect_ack?: { ack: string; answer: unknown };
  expect_event?: { event: string; payload: unknown };
  expect_closed?: true;
  expect_fatal?: string;
  close?: true;
  restart?: 'kept' | 'lost';
}

export interface Vector {
  id: string;
  rules: string[];
  title: string;
  server?: {
    capabilities?: string[];
    orderedWindow?: number;
    maxRoomsPerUser?: number;
    commitDelayMs?: number;
    failRoom?: string[];
    failSync?: string[];
    rooms?: string[];
    seed?: number;
    readyDelayMs?: number;
    allowAnonymous?: boolean;
  };
  needs?: string[];
  steps: Step[];
}

export interface Sample {
  id: string;
  rules: string[];
  from: 'client' | 'server';
  kind: 'event' | 'answer';
  event: string;
  payload: object;
}

/** Tokens are made when they are sent: they expire. */
function fillTokenOf(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  if (!('token' in payload)) return payload;
  return { ...payload, token: fillToken(payload.token, DEVELOPMENT_SECRET) };
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(VECTORS_DIR, name), 'utf8'));
}

const FOLDERS: Record<DialectName, string> = { full: '', plugin: 'plugin' };

export function readVectors(dialect: DialectName): Vector[] {
  const folder = FOLDERS[dialect];
  return readdirSync(join(VECTORS_DIR, folder))
    .filter((name) => name.endsWith('.json') && name !== SAMPLES_FILE)
    .sort()
    .map((name) => readJson(join(folder, name)) as { vectors: Vector[] })
    .flatMap(({ vectors }) => vectors);
}

export function readSamples(): Sample[] {
  return (readJson(SAMPLES_FILE) as { samples: Sample[] }).samples;
}

function serverOptions(
  { server = {} }: Vector,
  dataDir: string | undefined,
): Partial<ServerOptions> {
  const { capabilities, rooms, seed, readyDelayMs, allowAnonymous, ...rest } =
    server;
  return {
    ...rest,
    plugin: {
      rooms: rooms ?? DEFAULT_ROOMS,
      seed: seed ?? 1,
      readyDelayMs: readyDelayMs ?? DEFAULT_READY_DELAY_MS,
      allowAnonymous: allowAnonymous ?? false,
    },
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(capabilities === undefined
      ? {}
      : { capabilities: parseCapabilities(capabilities.join(',')) }),
  };
}

/** One run of one vector. */
export class VectorRun {
  private readonly peers = new Map<string, Peer>();
  private readonly captures: Captures = new Map();
  /** Why the server says that it would have died. */
  private readonly fatal: string[] = [];
  private server!: RunningServer;

  /** `observe` sees all that any client gets. */
  constructor(
    private readonly dialect: DialectName,
    private readonly vector: Vector,
    private readonly dataDir: string,
    private readonly observe: (received: Received) => void,
  ) {}

  async play(): Promise<void> {
    this.server = await this.startServer();
    try {
      for (const [index, step] of this.vector.steps.entries()) {
        try {
          await this.take(step);
        } catch (error) {
          throw new Error(
            `step ${index + 1} ${JSON.stringify(step).slice(0, 200)}: ` +
              (error as Error).message,
          );
        }
      }
      for (const [name, peer] of this.peers) await this.nothingLeft(name, peer);
    } finally {
      this.closeAll();
      await this.server.stop();
    }
  }

  private startServer(): Promise<RunningServer> {
    const keeps = this.vector.needs?.includes('restart') ?? false;
    return start({
      ...serverOptions(this.vector, keeps ? this.dataDir : undefined),
      dialect: this.dialect,
      onFatalFrame: (reason) => this.fatal.push(reason),
    });
  }

  private async take(step: Step): Promise<void> {
    if (step.restart !== undefined) {
      await this.restart(step.restart);
      return;
    }
    if (step.expect_fatal !== undefined) {
      await waitUntil(() => this.fatal.length > 0);
      const reason = this.fatal.splice(0).join();
      assert(reason.includes(step.expect_fatal), reason);
      return;
    }
    assert(step.client !== undefined, 'a step needs a client or a restart');
    const { client } = step;
    if (step.open !== undefined) {
      await this.connect(client, {
        token: `$token:${step.open}`,
      }).takeReady(READY_EVENTS[this.dialect]);
    } else if (step.openNobody === true) {
      const peer = this.connect(client, { token: '$token-anonymous' });
      await peer.takeReady(['connected']);
    } else if (step.connect !== undefined) {
      this.connect(client, step.connect);
    } else if (step.send !== undefined) {
      this.send(this.peer(client), step.send);
    } else if (step.close === true) {
      this.peer(client).close();
      this.peers.delete(client);
    } else {
      await this.expect(client, step);
    }
  }

  private async expect(client: string, step: Step): Promise<void> {
    const next = await this.peer(client).next();
    const { expect_ack, expect_event, expect_refused } = step;
    if (expect_ack !== undefined) {
      const { ack, answer } = expect_ack;
      this.compare({ kind: 'answer', ack, payload: answer, $more: true }, next);
    } else if (expect_event !== undefined) {
      this.compare({ kind: 'event', ...expect_event }, next);
    } else {
      if (expect_refused !== undefined) {
        this.compare({ kind: 'refused', ...expect_refused }, next);
      } else {
        assert(step.expect_closed === true, 'a step without a meaning');
        this.compare({ kind: 'closed' }, next);
      }
      this.peer(client).close();
      this.peers.delete(client);
    }
  }

  private compare(expected: object, next: Received): void {
    const found = mismatch(expected, next, this.captures);
    assert(
      found === undefined,
      `${String(found)}\n  the next thing was ${JSON.stringify(next).slice(0, 500)}`,
    );
  }

  private connect(client: string, auth: Record<string, unknown>): Peer {
    const filled = { ...auth };
    if ('token' in auth) {
      filled['token'] = fillToken(auth['token'], DEVELOPMENT_SECRET);
    }
    const peer = Peer.connect(this.server.url, filled, this.observe);
    this.peers.set(client, peer);
    return peer;
  }

  private send(peer: Peer, send: Send): void {
    const args = send.args ?? ('payload' in send ? [send.payload] : []);
    peer.send(
      send.event,
      args.map((arg) => fillTokenOf(fill(arg, this.captures))),
      send.ack,
    );
  }

  private async restart(restart: 'kept' | 'lost'): Promise<void> {
    this.closeAll();
    await this.server.stop();
    if (restart === 'lost') await rm(this.dataDir, { recursive: true });
    this.server = await this.startServer();
  }

  private async nothingLeft(name: string, peer: Peer): Promise<void> {
    // Where pings are not answered the event alone says that all is there.
    const answered = this.dialect === 'full';
    peer.send('ping', [], answered ? 'the end' : undefined);
    const pong = await peer.next();
    const answer = answered ? await peer.next() : undefined;
    assert(
      pong.kind === 'event' &&
        pong.event === 'pong' &&
        (answer === undefined ||
          (answer.kind === 'answer' && answer.ack === 'the end')),
      `client ${name} got what no step expects: ${JSON.stringify(pong)}`,
    );
    assert.deepEqual(this.fatal, []);
  }

  private closeAll(): void {
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
  }

  private peer(name: string): Peer {
    const peer = this.peers.get(name);
    assert(peer !== undefined, `client ${name} is not connected`);
    return peer;
  }
}
