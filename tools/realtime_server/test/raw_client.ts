/** A client below Socket.IO: frames. */

import { once } from 'node:events';

import { WebSocket } from 'ws';

import { tokenFor } from './harness';

const DEADLINE_MS = 10_000;

/** Text frames of one WebSocket, in the order of arrival. */
export class RawClient {
  private readonly frames: string[] = [];
  private readonly socket: WebSocket;
  private closeCode: number | undefined;

  constructor(url: string) {
    const address = `${url.replace('http', 'ws')}/socket.io/`;
    this.socket = new WebSocket(`${address}?EIO=4&transport=websocket`);
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(data.toString());
      this.socket.emit('frame');
    });
    this.socket.on('close', (code) => (this.closeCode = code));
  }

  send(frame: string | Buffer): void {
    this.socket.send(frame);
  }

  async next(): Promise<string> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const frame = this.frames.shift();
      if (frame !== undefined) return frame;
      await once(this.socket, 'frame', { signal });
    }
  }

  /** What came and was not taken yet. */
  pending(): readonly string[] {
    return this.frames;
  }

  /** The code with which the server closes the connection. */
  async closed(): Promise<number | undefined> {
    if (this.closeCode === undefined) {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      await once(this.socket, 'close', { signal });
    }
    return this.closeCode;
  }

  /** Up to and with the last of the events that every connection begins with. */
  async connect(user: string, last = 'authenticated'): Promise<void> {
    await this.next();
    this.send(`40${JSON.stringify({ token: tokenFor(user) })}`);
    while (!(await this.next()).startsWith(`42["${last}"`)) continue;
  }

  close(): void {
    this.socket.terminate();
  }
}
