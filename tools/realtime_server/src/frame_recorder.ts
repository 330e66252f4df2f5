/** Writes down every frame of every connection, for tests that judge them. */

import { openSync, writeSync } from 'node:fs';

import type { Server } from 'socket.io';

import { UsageError } from './errors';

/** Of Engine.IO 4. */
const TYPE_CODES: Record<string, string> = {
  open: '0',
  close: '1',
  ping: '2',
  pong: '3',
  message: '4',
  upgrade: '5',
  noop: '6',
};

interface Packet {
  type: string;
  data?: string | Buffer;
}

interface EngineSocket {
  id: string;
  on(
    event: 'packet' | 'packetCreate',
    listener: (packet: Packet) => void,
  ): void;
}

/**
 * One JSON object a line, in the order in which the server handled the frames:
 * `{"time", "connection", "from": "client" | "server", "frame"}`; a binary
 * frame has `binary`, in Base64, in place of `frame`. Each line is written
 * before the frame has an effect, so that the last one is there when the
 * process dies of it. Tokens are in it: only the owner may read the file.
 */
export class FrameRecorder {
  private constructor(private readonly file: number) {}

  /** Appends to the file. @throws UsageError */
  static open(path: string): FrameRecorder {
    try {
      return new FrameRecorder(openSync(path, 'a', 0o600));
    } catch (error) {
      throw new UsageError(
        `cannot record frames in ${path}: ${(error as Error).message}`,
      );
    }
  }

  attach(io: Server): void {
    io.engine.on('connection', (socket: EngineSocket) => {
      socket.on('packet', (packet) => {
        this.write(socket.id, 'client', packet);
      });
      socket.on('packetCreate', (packet) => {
        this.write(socket.id, 'server', packet);
      });
    });
  }

  private write(connection: string, from: string, packet: Packet): void {
    const { type, data } = packet;
    const content = Buffer.isBuffer(data)
      ? { binary: data.toString('base64') }
      : { frame: `${TYPE_CODES[type] ?? type}${data ?? ''}` };
    const line = { time: Date.now(), connection, from, ...content };
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
