/** The seam between the server and what it speaks. */

import type { Socket } from 'socket.io';

/** One vocabulary, and all that is known behind it. */
export interface Dialect {
  /**
   * Decides whose connection it is, for `accept`; the name is for the log.
   *
   * @throws Refusal for who is not let in
   */
  admit(socket: Socket): string;

  /** Takes over a connection that was admitted. */
  accept(socket: Socket): void;

  /** Nothing new is accepted; what was is answered. Connections still stand. */
  stop(): Promise<void>;
}
