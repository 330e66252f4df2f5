/** A client for tests: what it gets is a list, in the order of arrival. */

import { io, type Socket } from 'socket.io-client';

const DEADLINE_MS = 10_000;

export type Received =
  | { kind: 'event'; event: string; payload: unknown }
  | { kind: 'answer'; event: string; ack: string; payload: unknown }
  | { kind: 'refused'; message: string; data: unknown }
  | { kind: 'closed' };

/** What every connection of a user begins with. */
export const READY_EVENTS = {
  full: ['connected', 'authenticated'],
  plugin: ['presence:changed', 'connected'],
} as const;

export class Peer {
  private readonly received: Received[] = [];
  private wake: (() => void) | undefined;
  /** What `authenticated` listed. */
  rooms: string[] = [];

  private constructor(
    readonly socket: Socket,
    private readonly observe: (received: Received) => void,
  ) {
    socket.onAny((event: string, payload: unknown) => {
      this.add({ kind: 'event', event, payload });
    });
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      const { message, data = null } = error;
      this.add({ kind: 'refused', message, data });
    });
    socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') this.add({ kind: 'closed' });
    });
  }

  static connect(
    url: string,
    auth: Record<string, unknown>,
    observe: (received: Received) => void = () => undefined,
  ): Peer {
    const options = { auth, reconnection: false, forceNew: true };
    return new Peer(
      io(url, { ...options, transports: ['websocket'] }),
      observe,
    );
  }

  /** Connects and takes the events that every connection begins with. */
  static async open(
    url: string,
    token: string,
    dialect: keyof typeof READY_EVENTS = 'full',
  ): Promise<Peer> {
    const peer = Peer.connect(url, { token });
    await peer.takeReady(READY_EVENTS[dialect]);
    return peer;
  }

  async takeReady(events: readonly string[]): Promise<void> {
    for (const wanted of events) {
      const next = await this.next();
      if (next.kind !== 'event' || next.event !== wanted) {
        throw new Error(`expected ${wanted}, got ${JSON.stringify(next)}`);
      }
      const { rooms } = next.payload as { rooms?: string[] };
      this.rooms = rooms ?? [];
    }
  }

  /** `args` is empty or the payload; `ack` asks for an answer and names it. */
  send(event: string, args: unknown[], ack?: string): void {
    if (ack === undefined) {
      this.socket.emit(event, ...args);
      return;
    }
    this.socket.emit(event, ...args, (payload: unknown) => {
      this.add({ kind: 'answer', event, ack, payload });
    });
  }

  /** Sends and returns the answer; events that come before it stay. */
  request(event: string, payload?: unknown): Promise<unknown> {
    const args = payload === undefined ? [] : [payload];
    return this.socket.timeout(DEADLINE_MS).emitWithAck(event, ...args);
  }

  /** The next thing that came or comes. */
  async next(): Promise<Received> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const first = this.received.shift();
      if (first !== undefined) return first;
      await this.arrival(deadline - Date.now());
    }
  }

  /** Drops what came. */
  clear(): void {
    this.received.length = 0;
  }

  close(): void {
    this.socket.disconnect();
    this.clear();
  }

  private add(received: Received): void {
    this.observe(received);
    this.received.push(received);
    this.wake?.();
  }

  private arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error('nothing came within the deadline'));
      }, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
