/** The seam between the server and what it speaks. */

import type { Server, Socket } from 'socket.io';

import type { Chat } from '../chat';
import type { Faults } from '../faults';
import type { Logger } from '../logger';
import type { Capabilities } from '../capabilities';

export interface DialectContext {
  io: Server;
  chat: Chat;
  faults: Faults;
  logger: Logger;
  capabilities: Capabilities;
  orderedWindow: number;
}

/** A dialect takes over each connection whose token was accepted. */
export interface Dialect {
  /**
   * Registers what it listens to and then says that it is ready, before it
   * returns. What the client emits earlier is not lost on this server.
   */
  accept(socket: Socket, userId: string): void;
}
