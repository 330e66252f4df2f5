/**
 * The log: the one thing on disk. What the server knows is what its records
 * say, applied in order.
 *
 * `DIR/log.jsonl` holds one JSON record a line, in the order in which the
 * server accepted them; PROTOCOL.md documents the format. A record counts once
 * its newline is on disk: bytes after the last newline are a write that a
 * crash cut short, were never answered, and are dropped when the log is opened.
 */

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  setImmediate as nextTurn,
  setTimeout as delay,
} from 'node:timers/promises';

import type { Edit, Target } from './changes';
import { ProtocolError, UsageError } from './errors';
import type { Deletion } from './message_store';
import type { Message } from './messages';
import type { RoomType } from './rooms';

export const LOG_FILE = 'log.jsonl';
export const LOG_VERSION = 1;

export type LogRecord =
  | { record: 'epoch'; version: number; historyEpoch: string }
  | {
      record: 'join';
      roomName: string;
      roomType: RoomType;
      userId: string;
      joinedAt: string;
    }
  | { record: 'leave'; roomName: string; userId: string }
  | { record: 'message'; message: Message }
  | ({ record: 'edit'; edit: Edit } & Target)
  | ({ record: 'delete'; deletion: Deletion } & Target)
  | ({
      record: 'reaction';
      emoji: string;
      userId: string;
      added: boolean;
    } & Target);

const KNOWN: readonly string[] = [
  'epoch',
  'join',
  'leave',
  'message',
  'edit',
  'delete',
  'reaction',
] satisfies LogRecord['record'][];

/** Makes appended records durable; one write and one sync a batch. */
interface Sink {
  write(lines: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Commit, then release: `whenDurable` holds back what tells anyone of a record
 * until the record is on disk, and runs what it holds in the order in which it
 * was given. While one batch is being written the next one forms.
 */
export class Log {
  private batch: string[] = [];
  private waiting: (() => void)[] = [];
  private running: Promise<void> | undefined;
  private isClosing = false;

  private constructor(
    readonly historyEpoch: string,
    /** Absent: appending is all there is to do. */
    private readonly sink: Sink | undefined,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  static inMemory(commitDelayMs: number): Log {
    const sink =
      commitDelayMs > 0 ? delayed(NO_DISK, commitDelayMs) : undefined;
    return new Log(randomUUID(), sink, () => undefined);
  }

  /**
   * Opens or makes the log in `dir` and gives each record to `replay`.
   * `onFailure` is called once a write has failed: from then on nothing is
   * released, and the process should end.
   *
   * @throws UsageError when the log cannot be read or is damaged
   */
  static async open(
    dir: string,
    commitDelayMs: number,
    replay: (record: LogRecord) => void,
    onFailure: (error: unknown) => void,
  ): Promise<{ log: Log; droppedBytes: number }> {
    const path = join(dir, LOG_FILE);
    const file = await openFile(dir, path);
    const bytes = await file.readFile();
    const end = bytes.lastIndexOf('\n') + 1;
    const records = [...readRecords(bytes.subarray(0, end), path)];
    const historyEpoch = epochOf(records, path) ?? randomUUID();
    requireKnown(records, path);
    if (end < bytes.length) await file.truncate(end);
    const disk = diskSink(file);
    if (records.length === 0) {
      const first = { record: 'epoch', version: LOG_VERSION, historyEpoch };
      await disk.write(`${JSON.stringify(first)}\n`);
      await syncDirectory(dir);
    }
    records.slice(1).forEach(replay);
    const sink = commitDelayMs > 0 ? delayed(disk, commitDelayMs) : disk;
    return {
      log: new Log(historyEpoch, sink, onFailure),
      droppedBytes: bytes.length - end,
    };
  }

  /** From here on nothing can be appended. */
  get closing(): boolean {
    return this.isClosing;
  }

  /** @throws ProtocolError UNAVAILABLE once the log is being closed */
  append(record: LogRecord): void {
    if (this.isClosing) {
      throw new ProtocolError('UNAVAILABLE', 'the server is stopping');
    }
    if (this.sink === undefined) return;
    this.batch.push(`${JSON.stringify(record)}\n`);
  }

  /** Runs `release` once all that was appended before is durable. */
  whenDurable(release: () => void): void {
    if (this.running === undefined && this.batch.length === 0) {
      release();
      return;
    }
    this.waiting.push(release);
    this.running ??= this.commitAll();
  }

  /** Waits for what was appended, then closes the file. */
  async close(): Promise<void> {
    this.isClosing = true;
    await new Promise<void>((resolve) => {
      this.whenDurable(resolve);
    });
    await this.running;
    await this.sink?.close();
  }

  private async commitAll(): Promise<void> {
    // Lets the requests that arrived together share the first batch.
    await nextTurn();
    while (this.waiting.length > 0) {
      const lines = this.batch.join('');
      const release = this.waiting;
      this.batch = [];
      this.waiting = [];
      try {
        if (lines !== '') await this.sink?.write(lines);
      } catch (error) {
        this.onFailure(error);
        return;
      }
      for (const callback of release) callback();
    }
    this.running = undefined;
  }
}

const NO_DISK: Sink = {
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A slow disk: a commit is known only `ms` after it was made. */
function delayed(sink: Sink, ms: number): Sink {
  return {
    write: async (lines) => {
      await sink.write(lines);
      await delay(ms);
    },
    close: () => sink.close(),
  };
}

function diskSink(file: FileHandle): Sink {
  return {
    write: async (lines) => {
      await file.appendFile(lines);
      await file.datasync();
    },
    close: () => file.close(),
  };
}

async function openFile(dir: string, path: string): Promise<FileHandle> {
  try {
    await mkdir(dir, { recursive: true });
    return await open(path, 'a+', 0o600);
  } catch (error) {
    throw new UsageError(`cannot open ${path}: ${(error as Error).message}`);
  }
}

/** The name of a new file is durable only with its directory. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function* readRecords(bytes: Buffer, path: string): Generator<LogRecord> {
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf('\n', start);
    try {
      yield JSON.parse(bytes.toString('utf8', start, end)) as LogRecord;
    } catch {
      throw new UsageError(
        `${path}: line ${line} is damaged; nothing was changed. ` +
          `To go on without it and what follows: truncate -s ${start} ${path}`,
      );
    }
    start = end + 1;
  }
}

function epochOf(records: LogRecord[], path: string): string | undefined {
  const first = records[0];
  if (first === undefined) return undefined;
  if (first.record !== 'epoch' || first.version !== LOG_VERSION) {
    throw new UsageError(
      `${path} is no log of version ${LOG_VERSION} of this server`,
    );
  }
  return first.historyEpoch;
}

/** A record that means nothing here was written by a newer server. */
function requireKnown(records: LogRecord[], path: string): void {
  const index = records.findIndex(({ record }) => !KNOWN.includes(record));
  if (index < 0) return;
  throw new UsageError(
    `${path}: line ${index + 1} holds a record that this server does not ` +
      'know; nothing was changed',
  );
}
